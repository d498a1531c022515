import Buffers
import Kernels

/// A two-dimensional convolution (cross-correlation, as networks mean it) of channels-last images.
///
/// `ConvolutionShape.algorithm` says how it is computed.
///
/// - Parameters:
///   - x: `[B, H, W, C]`.
///   - weight: `[out, C, kh, kw]`, as torch has it.
///   - stride: how far windows move, at least 1.
///   - padding: zeros on each side.
/// - Returns: `[B, H', W', out]`.
public func convolution2d(
    _ x: Variable, weight: Variable, stride: Int = 1, padding: Int = 0
) -> Variable {
    precondition(
        x.shape.rank == 4 && weight.shape.rank == 4 && x.shape[3] == weight.shape[1],
        "convolution2d: x \(x.shape), weight \(weight.shape)")
    let shape = ConvolutionShape(
        images: x.shape[0],
        windows: ConvolutionWindows(
            height: x.shape[1], width: x.shape[2], channels: x.shape[3],
            kernelHeight: weight.shape[2], kernelWidth: weight.shape[3], stride: stride,
            padding: padding),
        outputs: weight.shape[0])
    let algorithm = shape.algorithm
    let tape = x.tape
    var value = tape.uninitialized(
        [x.shape[0], shape.windows.outHeight, shape.windows.outWidth, shape.outputs])
    algorithm.forward(x.value, weight.value, into: &value, tape.pool)
    return tape.record(value, from: x, weight) {
        [x = x.kept, weight = weight.kept] gradient, sums in
        let pool = sums.pool
        sums.add(to: weight.place) { dWeight in
            algorithm.weightGradient(x.value, gradient, into: &dWeight, pool)
        }
        sums.add(to: x.place) { dx in
            algorithm.inputGradient(weight.value, gradient, into: &dx, pool)
        }
    }
}

/// What decides how a convolution is computed.
struct ConvolutionShape {
    let images: Int
    let windows: ConvolutionWindows
    let outputs: Int

    /// The number of windows of all images.
    var windowCount: Int { images * windows.outArea }

    /// How a convolution of this shape is computed; nothing but the shape decides it.
    ///
    /// | shape | algorithm |
    /// | --- | --- |
    /// | 3x3, stride 1, padding 1, both channel counts multiples of 8, at least 16 | Winograd |
    /// | 1x1, stride 1, no padding | a matrix product of the images as they are |
    /// | all others | windows unfolded, block by block, and a matrix product of each block |
    var algorithm: any ConvolutionAlgorithm {
        let w = windows
        let (height, width) = (w.kernelHeight, w.kernelWidth)
        let isEven = w.channels % 8 == 0 && outputs % 8 == 0
        if height == 3, width == 3, w.stride == 1, w.padding == 1, isEven,
            min(w.channels, outputs) >= 16
        {
            return WinogradConvolution(
                images: images, height: w.height, width: w.width, inputs: w.channels,
                outputs: outputs)
        }
        return WindowConvolution(shape: self)
    }
}

/// One way to compute a convolution and its gradients.
///
/// Everything that is handed in has the sizes of the shape it was made for.
protocol ConvolutionAlgorithm: Sendable {
    /// y from x and the weights.
    func forward(_ x: Tensor, _ weight: Tensor, into y: inout Tensor, _ pool: BufferPool)

    /// The gradient of the weights from x and the gradient of y.
    @_lifetime(dWeight: copy dWeight)
    func weightGradient(
        _ x: Tensor, _ gradient: borrowing Tensor, into dWeight: inout MutableSpan<Float>,
        _ pool: BufferPool)

    /// The gradient of x from the weights and the gradient of y.
    @_lifetime(dx: copy dx)
    func inputGradient(
        _ weight: Tensor, _ gradient: borrowing Tensor, into dx: inout MutableSpan<Float>,
        _ pool: BufferPool)
}
