internal import Kernels

/// A positive of a sample: its part in the loss.
public struct PositiveTerm: Sendable {
    /// The sample.
    public let sample: Int
    /// The column among the drawn rows.
    public let column: Int
    /// The cosine, clamped to between -1 and 1, without margin.
    public let cosine: Float
    /// s_p, with margin.
    public let logit: Float
    /// e^{-s_p}; for the softmax loss without use.
    let exponential: Float
    /// Of the margin, by the cosine.
    let derivative: Float
    /// 1 / |w| of its row.
    let inverseLength: Float
    /// dL/dc_p, once the loss is finished.
    public internal(set) var slope: Float = 0

    /// All positives in the order of their columns.
    static func all(
        _ settings: ClassificationSettings, _ positives: PositiveColumns,
        _ cosines: [PositiveCosine]
    ) -> [PositiveTerm] {
        precondition(
            cosines.count == positives.columns.count,
            "\(cosines.count) cosines for \(positives.columns.count) positives")
        let margin = PositiveMargin(settings)
        var terms: [PositiveTerm] = []
        terms.reserveCapacity(cosines.count)
        for sample in 0..<positives.sampleCount {
            for place in positives.offsets[sample]..<positives.offsets[sample + 1] {
                let cosine = cosines[place]
                let (value, derivative) = margin.applied(
                    to: cosine.raw, precise: cosine.precise)
                let s = settings.scale * value
                terms.append(
                    PositiveTerm(
                        sample: sample, column: positives.columns[place],
                        cosine: min(max(cosine.raw, -1), 1), logit: s,
                        exponential: LaneMath.exp(-s), derivative: derivative,
                        inverseLength: cosine.inverseLength))
            }
        }
        return terms
    }
}

/// The loss of a sample, and what its exponentials are multiplied by for the gradient.
struct ClosedSums {
    /// The positive term of the loss.
    private(set) var positivePart: Float = 0
    /// The negative term, or the whole loss.
    private(set) var negativePart: Float = 0
    /// What e^(s - shift) of a negative is multiplied by, without gamma / B.
    private(set) var negativeFactor: Float = 0
    /// What e^{-s} of a positive is multiplied by, for the softmax loss the whole slope.
    private var positiveFactor: Float = 0
    private let kind: ClassificationSettings.Kind

    /// - Parameters:
    ///   - sum: e^(s - shift) of the negatives.
    ///   - positives: of this sample.
    init(
        _ kind: ClassificationSettings.Kind, negatives sum: Float, shift: Float,
        positives: ArraySlice<PositiveTerm>
    ) {
        self.kind = kind
        let positiveSum = positives.reduce(0) { $0 + $1.exponential }
        switch kind {
        case .mlcd:
            let one = LaneMath.exp(-shift)
            positivePart = LaneMath.log(1 + positiveSum)
            positiveFactor = -1 / (1 + positiveSum)
            // A sum below the 1 keeps its digits without the shift.
            negativePart =
                sum <= one ? LaneMath.log(1 + sum / one) : shift + LaneMath.log(one + sum)
            negativeFactor = 1 / (one + sum)
        case .mlc:
            guard sum > 0, positiveSum > 0 else { return }
            let x = shift + LaneMath.log(sum) + LaneMath.log(positiveSum)  // log ab
            let e = LaneMath.exp(-abs(x))
            let sigma = x >= 0 ? 1 / (1 + e) : e / (1 + e)  // ab / (1 + ab)
            negativePart = max(x, 0) + LaneMath.log(1 + e)
            negativeFactor = sigma / sum
            positiveFactor = -sigma / positiveSum
        case .softmax:
            // Without a negative the target's probability is 1.
            guard sum > 0, let target = positives.first else { return }
            let own = LaneMath.exp(target.logit - shift)
            let total = sum + own
            negativePart = shift - target.logit + LaneMath.log(total)
            negativeFactor = 1 / total
            positiveFactor = own / total - 1
        }
    }

    /// dL/dc of a positive, without gamma / B and the margin's derivative.
    func slope(of term: PositiveTerm) -> Float {
        kind == .softmax ? positiveFactor : positiveFactor * term.exponential
    }
}
