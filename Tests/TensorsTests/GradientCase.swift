import Buffers
import Foundation
import Tensors
import Testing

/// One operation, its inputs, and how to apply it: a row of the gradient test.
struct GradientCase: CustomTestStringConvertible, Sendable {
    /// The name that the operation is declared under.
    let operation: String
    let note: String
    let inputs: [Tensor]
    let apply: @Sendable ([Variable]) -> Variable

    init(
        _ operation: String, _ note: String, _ inputs: [Tensor],
        _ apply: @escaping @Sendable ([Variable]) -> Variable
    ) {
        self.operation = operation
        self.note = note
        self.inputs = inputs
        self.apply = apply
    }

    init(
        _ operation: String, _ inputs: [Tensor],
        _ apply: @escaping @Sendable ([Variable]) -> Variable
    ) {
        self.init(operation, "", inputs, apply)
    }

    var testDescription: String { note.isEmpty ? operation : "\(operation), \(note)" }

    /// Whether a tape that is dropped before its gradients lets go of all that it held.
    func lets(goOf pool: BufferPool) -> Bool {
        weak let tape = computed(on: pool)
        return tape == nil
    }

    /// The operation on a new tape, which nobody else holds.
    private func computed(on pool: BufferPool) -> Tape {
        let tape = Tape(pool: pool)
        _ = apply(inputs.map(tape.leaf))
        return tape
    }

    /// The largest difference between the gradient and differences of the loss sum(r y), as a
    /// fraction of the largest gradient of that input, with fixed random r.
    func worstError() -> Double {
        let tape = Tape()
        let leaves = inputs.map(tape.leaf)
        let output = apply(leaves)
        let r = CounterRandom(seed: 5, stream: .test).uniformTensor(output.shape, from: -1, to: 1)
        let gradients = tape.gradients(of: [(output, r)], for: leaves)
        var worst = 0.0
        for (place, gradient) in gradients.enumerated() {
            // Of a large input some hundred elements, spread over all of it.
            let step = max(1, gradient.count / 97)
            let places = Array(stride(from: 0, to: gradient.count, by: step))
            let exact = places.map { derivative(place, $0, r) }
            let scale = exact.map(\.magnitude).reduce(0.05, max)
            for (index, expected) in zip(places, exact) {
                worst = max(worst, (Double(gradient.values[index]) - expected).magnitude / scale)
            }
        }
        return worst
    }

    /// The derivative by central differences of fourth order.
    ///
    /// It is (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h. The truncation error is of order h^4,
    /// so h may be large enough for single precision.
    private func derivative(_ place: Int, _ index: Int, _ r: Tensor) -> Double {
        let h: Float = 0x1p-5
        let near = loss(place, index, h, r) - loss(place, index, -h, r)
        let far = loss(place, index, 2 * h, r) - loss(place, index, -2 * h, r)
        return (8 * near - far) / (12 * Double(h))
    }

    private func loss(_ place: Int, _ index: Int, _ change: Float, _ r: Tensor) -> Double {
        var moved = inputs
        var values = moved[place].values
        values[index] += change
        moved[place] = Tensor(values, shape: moved[place].shape)
        let tape = Tape()
        let output = apply(moved.map(tape.constant)).value
        return zip(output.values, r.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}

/// A tensor of fixed numbers in [low, high), different for each seed.
func sample(_ shape: Shape, _ seed: UInt64, from low: Float = -1, to high: Float = 1) -> Tensor {
    CounterRandom(seed: seed, stream: .test).uniformTensor(shape, from: low, to: high)
}

/// As `sample`, but no closer to zero than 0.1, where some functions have a kink or a pole.
func sampleOffZero(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sample(shape, seed).values.map { $0 + ($0 < 0 ? -0.1 : 0.1) }, shape: shape)
}
