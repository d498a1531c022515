import Kernels

extension Tensor {
    /// The parts with these indices on the first axis, in this order, each any number of times;
    /// copied.
    public func rows(at indices: [Int]) -> Tensor {
        precondition(shape.rank > 0, "rows of a scalar")
        var result = Tensor(uninitialized: shape.replacing(axis: 0, with: indices.count))
        var span = result.mutableSpan
        copyRows(at: indices, into: &span)
        return result
    }

    /// Writes the parts with these indices on the first axis one after the other.
    @_lifetime(target: copy target)
    func copyRows(at indices: [Int], into target: inout MutableSpan<Float>) {
        let stride = shape[0] == 0 ? 0 : count / shape[0]
        for (place, index) in indices.enumerated() {
            precondition(index >= 0 && index < shape[0], "row \(index) of shape \(shape)")
            Blocks.copy(
                span, from: index * stride, count: stride, into: &target, at: place * stride)
        }
    }

    /// The rows of this tensor, then those of another whose other axes agree.
    public func concatenatedRows(with other: Tensor) -> Tensor {
        precondition(
            shape.rank > 0 && shape.rank == other.shape.rank
                && other.shape.replacing(axis: 0, with: shape[0]) == shape,
            "rows \(shape), then rows \(other.shape)")
        let rows = shape[0] + other.shape[0]
        var result = Tensor(uninitialized: shape.replacing(axis: 0, with: rows))
        var span = result.mutableSpan
        var first = span._mutatingExtracting(0..<count)
        Vector.copy(self.span, into: &first)
        var second = span._mutatingExtracting(count..<(count + other.count))
        Vector.copy(other.span, into: &second)
        return result
    }
}
