import Kernels

/// The largest element of each window, channel by channel.
///
/// The gradient goes to the first of several that are equal, line by line, as in torch.
///
/// - Parameters:
///   - x: `[B, H, W, C]`.
///   - size: the side of a window.
///   - stride: how far windows move.
///   - padding: how far windows may hang over on each side, less than `size`; what is outside is
///     never the largest.
/// - Returns: `[B, H', W', C]`.
public func maxPool2d(_ x: Variable, size: Int, stride: Int, padding: Int = 0) -> Variable {
    precondition(x.shape.rank == 4, "maxPool2d of shape \(x.shape)")
    let windows = ConvolutionWindows(
        height: x.shape[1], width: x.shape[2], channels: x.shape[3], kernelHeight: size,
        kernelWidth: size, stride: stride, padding: padding)
    var value = x.tape.uninitialized(
        [x.shape[0], windows.outHeight, windows.outWidth, windows.channels])
    var y = value.mutableSpan
    windows.maxima(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.kept] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var dx = result.mutableSpan
        Vector.fill(&dx, with: 0)
        windows.maximaGradient(
            x.value.span, maxima: value.span, gradient: gradient.span, addingTo: &dx)
        sums.add(result, to: x.place)
    }
}

/// The mean over height and width: `[B, H, W, C]` to `[B, C]`, places added in order.
public func globalAveragePool(_ x: Variable) -> Variable {
    precondition(x.shape.rank == 4, "globalAveragePool of shape \(x.shape)")
    return meanOverTokens(x.reshaped([x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]))
}
