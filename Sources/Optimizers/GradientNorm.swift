import Kernels
public import Tensors
import Threads

/// The floats of a block of ``globalNorm(_:threads:)``: part of what a norm's bits mean.
private let normBlock = 65_536

/// The Euclidean norm of a tensor over all its elements.
///
/// Squares are summed over blocks of 65,536 floats, in 32 lanes within a block (`Vector`), and
/// the blocks in order in double precision, so that threads never decide a bit.
public func globalNorm(_ x: Tensor, threads: Int = 1) -> Double {
    let blocks = blockRanges(x.count)
    let squares = mapBlocks(count: blocks.count, threads: threads) {
        Double(Vector.sumOfSquares(x.span.extracting(blocks[$0])))
    }
    return squares.reduce(0, +).squareRoot()
}

private func blockRanges(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: normBlock).map { $0..<min($0 + normBlock, count) }
}

/// A gradient brought down to a norm of at most `limit`, as torch's `clip_grad_norm_` does it:
/// times limit / (norm + 1e-6) where that is below 1.
///
/// - Parameters:
///   - norm: the gradient's norm (``globalNorm(_:threads:)``).
///   - threads: threads at work; they never decide a bit.
public func clippedGradient(
    _ gradient: Tensor, norm: Double, to limit: Double, threads: Int = 1
) -> Tensor {
    let factor = limit / (norm + 1e-6)
    guard factor < 1 else { return gradient }
    var result = Tensor(uninitialized: gradient.shape)
    var (noSecond, noThird) = (Tensor(zeros: [0]), Tensor(zeros: [0]))
    var x = result.mutableSpan
    var y = noSecond.mutableSpan
    var z = noThird.mutableSpan
    let blocks = blockRanges(gradient.count)
    updateParts(&x, &y, &z, parts: blocks, threads: threads) { block, part, _, _ in
        Vector.scale(gradient.span.extracting(blocks[block]), by: Float(factor), into: &part)
    }
    return result
}
