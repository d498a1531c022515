public import Tensors

/// Symmetric softmax cross-entropy between images and the texts that belong to them (CLIP; LiT in
/// the MLCD sheet, section 5).
///
/// With c the cosines of all images and texts and s = min(e^t, `scaleMax`), the mean of the
/// cross-entropies of s c over its rows and over its columns; image i belongs to text i. A scale
/// that is clamped has no gradient. Gradients flow to whatever is no constant of the tape: where
/// the image encoder is frozen, `images` are one.
public struct SymmetricContrast {
    /// The greatest scale (CLIP).
    public static let scaleMax: Float = 100

    /// The loss, a scalar.
    public let loss: Variable
    /// s, what cosines are multiplied by.
    public let scale: Float

    /// The loss of a batch.
    ///
    /// - Parameters:
    ///   - images: `[B, D]`, of any length.
    ///   - texts: `[B, D]`, of any length.
    ///   - logScale: t, a scalar; at the start ln(1 / 0.07).
    public init(
        images: Variable, texts: Variable, logScale: Variable,
        scaleMax: Float = SymmetricContrast.scaleMax
    ) {
        precondition(
            images.shape.rank == 2 && images.shape == texts.shape && logScale.shape.count == 1,
            "images \(images.shape), texts \(texts.shape), scale \(logScale.shape)")
        let count = images.shape[0]
        let free = exp(logScale)
        let isClamped = free.value.values[0] > scaleMax
        let factor =
            isClamped ? images.tape.constant(Tensor([scaleMax], shape: [1])) : free
        scale = factor.value.values[0]
        let cosines = matmul(l2Normalized(images), l2Normalized(texts), transposeB: true)
        // A product with the scale as a 1 x 1 matrix, whose gradient is the sum over all cosines.
        let logits = matmul(cosines.reshaped([count * count, 1]), factor.reshaped([1, 1]))
            .reshaped([count, count])
        let own = Array(0..<count)
        loss =
            (crossEntropy(logits, targets: own)
                + crossEntropy(logits.permuted([1, 0]), targets: own)) * 0.5
    }
}
