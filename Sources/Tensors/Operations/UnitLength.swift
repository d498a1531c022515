import Kernels

/// The rows (last axis) of x scaled to unit length: x / max(|x|, epsilon), as in PyTorch.
public func l2Normalized(_ x: Variable, epsilon: Float = 1e-12) -> Variable {
    let width = x.shape.last
    var value = x.tape.uninitialized(x.shape)
    var lengths = x.tape.uninitialized([x.shape.rowCount])
    var y = value.mutableSpan
    var length = lengths.mutableSpan
    Rows.normalize(x.value.span, width: width, epsilon: epsilon, into: &y, lengths: &length)
    return x.tape.record(value, from: x) { [x = x.place, lengths] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Rows.normalizeGradient(
            value.span, lengths: lengths.span, gradient: gradient.span, width: width,
            epsilon: epsilon, into: &span)
        sums.add(result, to: x)
    }
}
