public import Buffers

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
        /// Where the gradient lies in the flat one, in floats.
        var flatOffset: Int?

        var flatRange: Range<Int>? { flatOffset.map { $0..<($0 + shape.count) } }
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
    public func leaf(_ value: Tensor) -> Variable { append(value, backward: nil) }

    /// Brings a value in whose gradient has a place in the flat one.
    ///
    /// - Parameter flatOffset: the place, in floats; offsets rise from leaf to leaf.
    public func leaf(_ value: Tensor, flatOffset: Int) -> Variable {
        append(value, backward: nil, flatOffset: flatOffset)
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
        var isWanted = [Bool](repeating: false, count: records.count)
        for input in inputs {
            if let record = input.record { isWanted[record] = true }
        }
        var cotangents = Cotangents(count: records.count, pool: pool)
        goBack(from: outputs, keeping: isWanted, &cotangents)
        return inputs.map { input in
            input.record.flatMap { cotangents.found($0) } ?? Tensor(zeros: input.shape)
        }
    }

    /// Goes back through the computation, as `gradients`, for all leaves that have a place in one
    /// flat vector; each gradient is written there by the operation that finds it.
    ///
    /// - Parameters:
    ///   - outputs: as for `gradients`.
    ///   - count: the length of the vector; what belongs to no leaf is zero.
    /// - Returns: `[count]`.
    public func flatGradient(
        of outputs: [(output: Variable, cotangent: Tensor)], count: Int
    ) -> Tensor {
        let isWanted = [Bool](repeating: false, count: records.count)
        // Nobody else may hold the vector, or the first write to it would copy it.
        var cotangents = Cotangents(
            count: records.count, pool: pool,
            flat: FlatGradient(count: count, places: records.map(\.flatRange), pool: pool))
        goBack(from: outputs, keeping: isWanted, &cotangents)
        return cotangents.flatGradient() ?? Tensor(zeros: [count])
    }

    private func goBack(
        from outputs: [(output: Variable, cotangent: Tensor)], keeping isWanted: [Bool],
        _ cotangents: inout Cotangents
    ) {
        precondition(!isSpent, "a tape gives gradients once")
        isSpent = true
        for (output, cotangent) in outputs {
            precondition(
                output.shape == cotangent.shape,
                "gradient of shape \(cotangent.shape) for a result of shape \(output.shape)")
            cotangents.add(cotangent, to: output.place)
        }
        while let record = records.popLast() {
            let index = records.count
            guard let backward = record.backward else { continue }
            guard let gradient = cotangents.take(index, keeping: isWanted[index]) else { continue }
            // Given away: an operation may write its result over it.
            backward(consume gradient, &cotangents)
            progress?()
        }
    }

    /// Notes the result of an operation.
    ///
    /// - Parameters:
    ///   - value: the result.
    ///   - inputs: what it was computed from; without any that needs a gradient nothing is noted.
    ///   - backward: must not hold on to more than the gradient needs: of inputs a `Place` or a
    ///     `KeptInput`.
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

    private func append(
        _ value: Tensor, backward: Backward?, flatOffset: Int? = nil
    ) -> Variable {
        precondition(!isSpent, "an operation on a tape that gave its gradients")
        records.append(Record(shape: value.shape, backward: backward, flatOffset: flatOffset))
        return Variable(value, tape: self, record: records.count - 1)
    }
}
