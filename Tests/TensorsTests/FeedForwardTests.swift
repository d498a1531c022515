import Tensors
import Testing

/// A block's two layers as one operation, and residuals added within products: the bits of the
/// operations behind each other.
@Suite struct FeedForwardTests {
    /// More rows than are finished at a time.
    static let rows = 205

    @Test func `one operation has the bits of four`() throws {
        let whole = Self.results { x, w, b, v, c, r in
            feedForward(x, first: (w, b), second: (v, c), addedTo: r)
        }
        let parts = Self.results { x, w, b, v, c, r in
            r + linear(gelu(linear(x, weight: w, bias: b)), weight: v, bias: c)
        }
        #expect(whole.count == 7)
        for (one, other) in zip(whole, parts) { #expect(one.isBitIdentical(to: other)) }
    }

    @Test func `a residual within a product has the bits of a sum behind it`() throws {
        let whole = Self.results { x, w, b, v, c, r in
            linear(linear(x, weight: w, bias: b), weight: v, bias: c, addedTo: r)
        }
        let parts = Self.results { x, w, b, v, c, r in
            r + linear(linear(x, weight: w, bias: b), weight: v, bias: c)
        }
        for (one, other) in zip(whole, parts) { #expect(one.isBitIdentical(to: other)) }
    }

    @Test func `without gradients the value is the same`() {
        let tape = Tape()
        let inputs = Self.inputs()
        let leaves = inputs.map { tape.leaf($0) }
        let constants = inputs.map { tape.constant($0) }
        let values = [leaves, constants].map {
            feedForward($0[0], first: ($0[1], $0[2]), second: ($0[3], $0[4])).value
        }
        #expect(values[0].isBitIdentical(to: values[1]))
    }

    /// The value and the gradients of all inputs.
    private static func results(
        _ compute: (Variable, Variable, Variable, Variable, Variable, Variable) -> Variable
    ) -> [Tensor] {
        let tape = Tape()
        let leaves = inputs().map { tape.leaf($0) }
        let y = compute(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], leaves[5])
        let cotangent = sample([rows, 19], 7)
        return [y.value] + tape.gradients(of: [(y, cotangent)], for: leaves)
    }

    private static func inputs() -> [Tensor] {
        [
            sample([rows, 19], 1), sample([70, 19], 2), sample([70], 3), sample([19, 70], 4),
            sample([19], 5), sample([rows, 19], 6),
        ]
    }
}
