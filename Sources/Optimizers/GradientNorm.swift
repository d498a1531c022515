import Kernels
public import Tensors

/// The floats of a block of ``globalNorm(_:)``: part of what a norm's bits mean.
private let normBlock = 65_536

/// The Euclidean norm of a tensor over all its elements.
///
/// Squares are summed over blocks of 65,536 floats, in 32 lanes within a block (`Vector`), and
/// the blocks in order in double precision, so that threads never decide a bit.
public func globalNorm(_ x: Tensor, threads: Int = 1) -> Double {
    let blocks = mapBlocks(count: (x.count + normBlock - 1) / normBlock, threads: threads) {
        let first = $0 * normBlock
        let block = x.span.extracting(first..<min(first + normBlock, x.count))
        return Double(Vector.sumOfSquares(block))
    }
    return blocks.reduce(0, +).squareRoot()
}

/// A gradient brought down to a norm of at most `limit`, as torch's `clip_grad_norm_` does it:
/// times limit / (norm + 1e-6) where that is below 1.
///
/// - Parameter norm: the gradient's norm (``globalNorm(_:)``).
public func clippedGradient(_ gradient: Tensor, norm: Double, to limit: Double) -> Tensor {
    let factor = limit / (norm + 1e-6)
    guard factor < 1 else { return gradient }
    var result = Tensor(uninitialized: gradient.shape)
    var span = result.mutableSpan
    Vector.scale(gradient.span, by: Float(factor), into: &span)
    return result
}
