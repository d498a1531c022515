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
}
