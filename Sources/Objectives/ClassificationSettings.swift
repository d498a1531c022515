internal import Kernels

/// Which loss over drawn classes is computed, and with which constants (MLCD sheet, section 2.4).
public struct ClassificationSettings: Sendable, Equatable {
    /// The losses over cosines between embeddings and class centers.
    public enum Kind: String, Sendable, CaseIterable {
        /// Equation 5: `log(1 + sum_p e^{-s_p}) + log(1 + sum_n e^{s_n})`.
        case mlcd
        /// Equation 4: `log(1 + sum_n e^{s_n} sum_p e^{-s_p})`.
        case mlc
        /// Softmax over all drawn classes with one positive a sample: ArcFace by the angular
        /// margin, CosFace by the additive one (UNICOM, PartialFC).
        case softmax
    }

    /// The greatest gamma.
    ///
    /// A logit lies between -gamma and gamma, so exponentials need no maximum that is found first.
    /// With gamma up to 72, e^{s - max(0, gamma - 60)} is an ordinary float for every cosine, and
    /// so is the sum over a hundred million of them.
    public static let scaleMax: Float = 72

    /// The loss.
    public var kind: Kind
    /// Gamma, what a cosine is multiplied by: 64 at paper scale, 16 for small tables.
    public var scale: Float
    /// m, added to the angle of a positive before its cosine is taken: radians, 0 to pi.
    public var angularMargin: Float
    /// Subtracted from the cosine of a positive instead, where it is above 0 (CosFace).
    public var additiveMargin: Float
    /// tau: a negative whose cosine is above it gets logit 0 and no gradient; 0 switches it off.
    public var filter: Float
    /// Whether the angular margin is differentiated exactly, sin(theta + m) / sin(theta).
    ///
    /// By default its derivative is 1, as the authors' code runs.
    public var exactMarginDerivative: Bool

    /// Settings of a loss; the defaults are MLCD's at the scale of the paper.
    ///
    /// - Precondition: `0 < scale <= scaleMax`, `0 <= angularMargin <= pi`, the others are not
    ///   negative.
    public init(
        kind: Kind = .mlcd, scale: Float = 64, angularMargin: Float = 0.3,
        additiveMargin: Float = 0, filter: Float = 0, exactMarginDerivative: Bool = false
    ) {
        precondition(scale > 0 && scale <= Self.scaleMax, "a loss scale of \(scale)")
        precondition(
            angularMargin >= 0 && angularMargin <= .pi, "an angular margin of \(angularMargin)")
        precondition(additiveMargin >= 0 && filter >= 0, "a negative margin or filter")
        self.kind = kind
        self.scale = scale
        self.angularMargin = angularMargin
        self.additiveMargin = additiveMargin
        self.filter = filter
        self.exactMarginDerivative = exactMarginDerivative
    }

    /// The power that exponentials of negatives stand under: e^{s - shift}.
    public var shift: Float { max(0, scale - 60) }

    /// How the cosines of negatives become exponentials.
    var exponent: CosineExponent {
        CosineExponent(scale: scale, shift: shift, limit: filter > 0 ? filter : .infinity)
    }
}
