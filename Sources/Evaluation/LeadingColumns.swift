internal import Kernels
public import Tensors

extension Tensor {
    /// The first columns of a matrix `[n, d]`: `[n, count]`.
    ///
    /// Of embeddings that were trained by random subsets of their coordinates the first ones count
    /// in evaluation (UNICOM; sheet MLCD section 2.4).
    public func leadingColumns(_ count: Int) -> Tensor {
        precondition(
            shape.rank == 2 && (0...shape[1]).contains(count), "\(count) columns of \(shape)")
        guard count < shape[1] else { return self }
        var result = Tensor(uninitialized: [shape[0], count])
        var target = result.mutableSpan
        for row in 0..<shape[0] {
            Blocks.copy(
                span, from: row * shape[1], count: count, into: &target, at: row * count)
        }
        return result
    }
}
