public import Buffers
import Kernels

/// The record of a computation, from which gradients are found by going through it backwards.
///
/// A tape belongs to one slot: it is not `Sendable`. Every tensor that operations make comes
/// from its pool, so that a second tape with the same pool and the same shapes allocates nothing.
/// Gradients that meet in one variable are added in the order in which the tape is gone through.
public final class Tape {
    /// Hands the gradient of an operation's result on to its inputs.
    typealias Backward = (_ gradient: consuming Tensor, _ gradients: inout Cotangents) -> Void

    private struct Record {
        let shape: Shape
        let backward: Backward?
    }

    /// Where the results of operations and their gradients get their memory.
    public let pool: BufferPool
    /// Called after each operation, forward and backward: a sign of life, cheap and short.
    public var progress: (() -> Void)?

    private var records: [Record] = []
    private var isSpent = false

    /// Makes an empty tape.
    public init(pool: BufferPool = BufferPool()) { self.pool = pool }

    /// Brings a value in for which a gradient will be asked.
    public func leaf(_ value: Tensor) -> Variable {
        append(value, backward: nil)
    }

    /// Brings a value in for which no gradient will be asked.
    public func constant(_ value: Tensor) -> Variable { Variable(value, tape: self, record: nil) }

    /// Goes back through the computation.
    ///
    /// The tape is spent by this: it forgets each operation as soon as its gradient is known, so
    /// that memory returns to the pool early. It takes no further call.
    ///
    /// - Parameters:
    ///   - outputs: results of the computation, and for each the gradient of the loss with
    ///     respect to it, of the result's shape.
    ///   - inputs: leaves or results of operations.
    /// - Returns: for each input the gradient of the loss; zeros where the outputs do not
    ///   depend on it.
    public func gradients(
        of outputs: [(output: Variable, cotangent: Tensor)], for inputs: [Variable]
    ) -> [Tensor] {
        precondition(!isSpent, "a tape gives gradients once")
        isSpent = true
        var cotangents = Cotangents(count: records.count, pool: pool)
        for (output, cotangent) in outputs {
            precondition(
                output.shape == cotangent.shape,
                "gradient of shape \(cotangent.shape) for a result of shape \(output.shape)")
            cotangents.add(cotangent, to: output.place)
        }
        var isWanted = [Bool](repeating: false, count: records.count)
        for input in inputs {
            if let record = input.record { isWanted[record] = true }
        }
        while let record = records.popLast() {
            let index = records.count
            guard let backward = record.backward else { continue }
            guard let gradient = cotangents.take(index, keeping: isWanted[index]) else { continue }
            backward(gradient, &cotangents)
            progress?()
        }
        return inputs.map { input in
            input.record.flatMap { cotangents.found($0) } ?? Tensor(zeros: input.shape)
        }
    }

    /// Notes the result of an operation.
    ///
    /// - Parameters:
    ///   - value: the result.
    ///   - inputs: what it was computed from; without any that needs a gradient nothing is noted.
    ///   - backward: must not hold on to more than the gradient needs.
    func record(
        _ value: Tensor, from inputs: Variable..., backward: @escaping Backward
    )
        -> Variable
    {
        record(value, from: inputs, backward: backward)
    }

    /// Notes the result of an operation with a list of inputs.
    func record(
        _ value: Tensor, from inputs: [Variable], backward: @escaping Backward
    )
        -> Variable
    {
        for input in inputs {
            precondition(input.tape === self, "an operation on variables of two tapes")
        }
        defer { progress?() }
        guard inputs.contains(where: \.needsGradient) else { return constant(value) }
        return append(value, backward: backward)
    }

    /// A tensor of the pool, to be written before it is read.
    func uninitialized(_ shape: Shape) -> Tensor { Tensor(uninitialized: shape, pool: pool) }

    /// A scalar of the pool.
    func scalar(_ value: Float) -> Tensor {
        var result = uninitialized([])
        var span = result.mutableSpan
        span[0] = value
        return result
    }

    private func append(_ value: Tensor, backward: Backward?) -> Variable {
        precondition(!isSpent, "an operation on a tape that gave its gradients")
        records.append(Record(shape: value.shape, backward: backward))
        return Variable(value, tape: self, record: records.count - 1)
    }
}

/// The gradients that are known so far on the way back.
struct Cotangents {
    /// Where new tensors get their memory.
    let pool: BufferPool
    private var known: [Tensor?]

    fileprivate init(count: Int, pool: BufferPool) {
        known = Array(repeating: nil, count: count)
        self.pool = pool
    }

    /// A tensor of the pool, to be written before it is read.
    func uninitialized(_ shape: Shape) -> Tensor { Tensor(uninitialized: shape, pool: pool) }

    /// Adds to the gradient of a variable; does nothing where none is needed.
    mutating func add(_ gradient: consuming Tensor, to place: Place) {
        guard let index = place.record else { return }
        guard var sum = known[index].take() else {
            known[index] = gradient.reshaped(place.shape)
            return
        }
        precondition(sum.count == gradient.count, "gradients of two sizes meet")
        if sum.isUnique {
            var span = sum.mutableSpan
            Vector.add(gradient.span, to: &span)
        } else {
            var fresh = uninitialized(sum.shape)
            var span = fresh.mutableSpan
            Vector.add(sum.span, gradient.span, into: &span)
            sum = fresh
        }
        known[index] = sum
    }

    fileprivate mutating func take(_ index: Int, keeping: Bool) -> Tensor? {
        keeping ? known[index] : known[index].take()
    }

    fileprivate func found(_ index: Int) -> Tensor? { known[index] }
}
