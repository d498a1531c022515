internal import Kernels

/// Binary noise-contrastive estimation over drawn rows (Wu et al., CVPR 2018; sheet contrastive,
/// section 2, alternatives).
///
/// The positive stands at place 0, K rows drawn uniformly with replacement behind it. With
/// P = e^(s/tau) / Z and c = K/N:
///
///     L = -log( P_0 / (P_0 + c + 1e-7) ) - sum_k log( c / (P_k + c + 1e-7) )
///
/// Z is a constant: the mean of e^(s/tau) over the first batch, times N.
public struct NoiseContrastiveLoss: SimilarityLoss, Hashable {
    /// tau.
    public var temperature: Float
    /// Z.
    public var constant: Float
    /// N, the number of rows that draws are made from.
    public var rowCount: Int

    /// What the authors' code adds to the denominators.
    public static let epsilon: Float = 1e-7

    /// A loss with these constants.
    ///
    /// - Precondition: all are positive.
    public init(temperature: Float, constant: Float, rowCount: Int) {
        precondition(temperature > 0 && constant > 0 && rowCount > 0, "\(temperature), \(constant)")
        self.temperature = temperature
        self.constant = constant
        self.rowCount = rowCount
    }

    /// The loss of an anchor, and dL/ds in `gradient`.
    ///
    /// - Parameter own: 0.
    @inline(never)
    @_lifetime(similarities: copy similarities) @_lifetime(gradient: copy gradient)
    public func differentiate(
        _ similarities: inout MutableSpan<Float>, own: Int,
        into gradient: inout MutableSpan<Float>
    ) -> Float {
        let count = similarities.count
        precondition(own == 0 && count > 1, "the positive \(own) of \(count) drawn rows")
        precondition(gradient.count == count, "\(gradient.count) slopes of \(count) rows")
        probabilities(&similarities)
        let noise = Float(count - 1) / Float(rowCount)
        let first = similarities[0]
        let whole = first + noise + Self.epsilon
        // What the logarithms are taken of, each the inverse of the formula's.
        var costs = [Float](repeating: whole / first, count: count)
        for place in 1..<count {
            let p = similarities[place]
            costs[place] = 1 + (p + Self.epsilon) / noise
            gradient[place] = p / ((p + noise + Self.epsilon) * temperature)
        }
        gradient[0] = -(noise + Self.epsilon) / (whole * temperature)
        Vector.log(costs.span, into: &similarities)
        return Vector.sum(similarities.span)
    }

    /// Replaces similarities by P = e^(s/tau) / Z.
    @_lifetime(similarities: copy similarities)
    public func probabilities(_ similarities: inout MutableSpan<Float>) {
        var powers = [Float](repeating: 0, count: similarities.count)
        var span = powers.mutableSpan
        Vector.scale(similarities.span, by: 1 / temperature, into: &span)
        Vector.exp(span.span, into: &similarities)
        Vector.scale(&similarities, by: 1 / constant)
    }

    /// Z from the similarities of a first batch with its drawn rows, positives included:
    /// the mean of e^(s/tau), times N.
    ///
    /// - Parameter similarities: `[B, K + 1]`.
    public static func constant(
        of similarities: Span<Float>, temperature: Float, rowCount: Int
    ) -> Float {
        precondition(!similarities.isEmpty, "a constant of no similarities")
        var scaled = [Float](repeating: 0, count: similarities.count)
        var powers = scaled
        var x = scaled.mutableSpan
        Vector.scale(similarities, by: 1 / temperature, into: &x)
        var y = powers.mutableSpan
        Vector.exp(x.span, into: &y)
        return Vector.sum(y.span) / Float(similarities.count) * Float(rowCount)
    }
}
