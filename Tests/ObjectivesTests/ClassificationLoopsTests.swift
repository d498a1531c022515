import Kernels
import Tensors
import Testing

/// The loop below the losses: what it gives an element must not depend on where it lies.
@Suite struct ClassificationLoopsTests {
    private static let count = 61

    /// Products of a row of length 0.5 with unit vectors, some of whose quotients lie past 1.
    private static let products: [Float] = {
        var values = CounterRandom(seed: 3, stream: .test, a: 1)
            .uniformTensor([count], from: -0.55, to: 0.55).values
        values[7] = 0
        values[20] = -0.0
        values[33] = 0x1p-140
        return values
    }()

    @Test(arguments: [Float.infinity, 0.25])
    func `an element has the same bits at every offset and in every length`(limit: Float) {
        let exponent = CosineExponent(scale: 64, shift: 4, limit: limit)
        for first in 0..<17 {
            for end in (first + 1)...Self.count {
                var part = Array(Self.products[first..<end])
                var sums = [Float](repeating: 0.25, count: part.count)
                var x = part.mutableSpan
                var y = sums.mutableSpan
                let total = Vector.exponentiateCosines(&x, times: 2, exponent, addingTo: &y)
                var cosines = 0.0
                for place in part.indices {
                    let raw = Self.products[first + place] * 2
                    let c = min(max(raw, -1), 1)
                    let e = LaneMath.exp(
                        c > limit ? -4 : Float(-4).addingProduct(c, 64))
                    let isSilent = abs(raw) > 1 || c > limit
                    #expect(part[place].bitPattern == (isSilent ? 0 : e * 2).bitPattern)
                    #expect(sums[place].bitPattern == (0.25 + e).bitPattern)
                    cosines += Double(c)
                }
                #expect(abs(Double(total) - cosines) < 1e-5)
            }
        }
    }

    @Test func `with gamma 72 the exponentials of all cosines are ordinary floats`() {
        let exponent = CosineExponent(scale: 72, shift: 12, limit: .infinity)
        var ends: [Float] = [-1, 1]
        var sums: [Float] = [0, 0]
        var x = ends.mutableSpan
        var y = sums.mutableSpan
        _ = Vector.exponentiateCosines(&x, times: 1, exponent, addingTo: &y)
        #expect(sums[0] >= .leastNormalMagnitude)
        #expect((sums[1] * 1e8).isFinite)
    }
}
