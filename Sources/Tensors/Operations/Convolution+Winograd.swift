import Buffers
import Kernels

extension WinogradConvolution: ConvolutionAlgorithm {
    func forward(_ x: Tensor, _ weight: Tensor, into y: inout Tensor, _ pool: BufferPool) {
        var memory = Tensor(uninitialized: [scratchCount], pool: pool)
        var scratch = memory.mutableSpan
        var result = y.mutableSpan
        convolve(x.span, weight: weight.span, .forward, into: &result, scratch: &scratch)
    }

    @_lifetime(dWeight: copy dWeight)
    func weightGradient(
        _ x: Tensor, _ gradient: borrowing Tensor, into dWeight: inout MutableSpan<Float>,
        _ pool: BufferPool
    ) {
        var memory = Tensor(uninitialized: [weightGradientScratchCount], pool: pool)
        var scratch = memory.mutableSpan
        weightGradient(x.span, gradient: gradient.span, into: &dWeight, scratch: &scratch)
    }

    /// The convolution of the gradients with every window turned by half a turn.
    @_lifetime(dx: copy dx)
    func inputGradient(
        _ weight: Tensor, _ gradient: borrowing Tensor, into dx: inout MutableSpan<Float>,
        _ pool: BufferPool
    ) {
        let back = WinogradConvolution(
            images: images, height: height, width: width, inputs: outputs, outputs: inputs)
        var memory = Tensor(uninitialized: [back.scratchCount], pool: pool)
        var scratch = memory.mutableSpan
        back.convolve(
            gradient.span, weight: weight.span, .backward, into: &dx, scratch: &scratch)
    }
}
