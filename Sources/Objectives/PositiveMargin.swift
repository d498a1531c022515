import Kernels

/// The margin that makes a positive harder than it is (MLCD sheet, section 2.4).
///
/// cos(arccos(c) + m) is computed as c cos(m) - sqrt(1 - c^2) sin(m), which is the same for every
/// c in -1...1, beyond theta + m = pi too.
struct PositiveMargin: Sendable {
    private let cosine: Float
    private let sine: Float
    private let additive: Float
    private let isAngular: Bool
    private let isExact: Bool

    /// The smallest sine of an angle whose cosine is a float below 1: sqrt(2 * 2^-24). Below it
    /// the exact derivative would be infinite.
    private static let sineMin: Float = 0x1.6a09e6p-12

    init(_ settings: ClassificationSettings) {
        additive = settings.additiveMargin
        isAngular = settings.additiveMargin == 0 && settings.angularMargin != 0
        isExact = settings.exactMarginDerivative
        cosine = LaneMath.cos(settings.angularMargin)
        sine = LaneMath.sin(settings.angularMargin)
    }

    /// The cosine with its margin, and its derivative: 0 where `raw` lies beyond -1 ... 1, where
    /// the cosine was clamped.
    func applied(to raw: Float) -> (value: Float, derivative: Float) {
        let c = min(max(raw, -1), 1)
        let inside: Float = abs(raw) > 1 ? 0 : 1
        guard isAngular else { return (c - additive, inside) }
        let sineOfAngle = (1 - c * c).squareRoot()
        let value = c * cosine - sineOfAngle * sine
        guard isExact else { return (value, inside) }
        let derivative = cosine + c * sine / max(sineOfAngle, Self.sineMin)
        return (value, inside * derivative)
    }
}
