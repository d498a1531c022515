import Kernels

// What results of slices need on their way up the gradient tree.
extension Tensor {
    /// Whether no element is infinite or NaN.
    public var isFinite: Bool { Vector.isFinite(span) }

    /// The element-wise sum, this tensor first.
    public func adding(_ other: Tensor) -> Tensor {
        precondition(shape == other.shape, "\(shape) plus \(other.shape)")
        var result = Tensor(uninitialized: shape)
        var span = result.mutableSpan
        Vector.add(self.span, other.span, into: &span)
        return result
    }

    /// Every element times a factor.
    public func scaled(by factor: Float) -> Tensor {
        var result = Tensor(uninitialized: shape)
        var span = result.mutableSpan
        Vector.scale(self.span, by: factor, into: &span)
        return result
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
