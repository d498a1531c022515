import Kernels

/// The margin that makes a positive harder than it is (MLCD sheet, section 2.4).
///
/// cos(arccos(c) + m) is computed as c cos(m) - sqrt(1 - c^2) sin(m), which is the same for every
/// c from -1 to 1, beyond theta + m = pi too.
struct PositiveMargin: Sendable {
    private let cosine: Float
    private let sine: Float
    private let additive: Float
    private let isAngular: Bool
    private let isExact: Bool

    /// The smallest sine of an angle whose cosine is a float below 1: sqrt(2 * 2^-24).
    ///
    /// Without a floor the exact derivative would be infinite at a cosine of 1.
    private static let sineMin: Float = 0x1.6a09e6p-12

    /// Cosines nearer to -1 or 1 than this are worth more digits: the sine of their angle is
    /// below 0.045, and an error of 1e-7 in the cosine becomes one of 2e-6 and more in the sine.
    static let isSteepFrom: Float = 0.999

    init(_ settings: ClassificationSettings) {
        additive = settings.additiveMargin
        isAngular = settings.additiveMargin == 0 && settings.angularMargin != 0
        isExact = settings.exactMarginDerivative
        cosine = LaneMath.cos(settings.angularMargin)
        sine = LaneMath.sin(settings.angularMargin)
    }

    /// The cosine with its margin, and its derivative.
    ///
    /// The derivative is 0 where `raw` lies beyond -1 to 1, where the cosine was clamped.
    ///
    /// - Parameter precise: the same cosine with more digits, where it is steep.
    func applied(to raw: Float, precise: Double?) -> (value: Float, derivative: Float) {
        let c = min(max(raw, -1), 1)
        let inside: Float = abs(raw) > 1 ? 0 : 1
        guard isAngular else { return (c - additive, inside) }
        let value: Float
        let sineOfAngle: Float
        if let precise {
            let exactSine = max(0, 1 - precise * precise).squareRoot()
            value = Float(precise * Double(cosine) - exactSine * Double(sine))
            sineOfAngle = Float(exactSine)
        } else {
            sineOfAngle = (1 - c * c).squareRoot()
            value = c * cosine - sineOfAngle * sine
        }
        guard isExact else { return (value, inside) }
        let derivative = cosine + c * sine / max(sineOfAngle, Self.sineMin)
        return (value, inside * derivative)
    }
}

/// The cosine between an embedding and a row of its class.
public struct PositiveCosine: Sendable {
    /// As a quotient of floats, which rounding may carry past -1 or 1.
    let raw: Float
    /// In double precision, where a float's digits do not give the sine of so small an angle.
    let precise: Double?
    /// 1 / |w| of the row.
    let inverseLength: Float

    /// A cosine that is given, with a row of unit length.
    public init(_ raw: Float) {
        self.raw = raw
        precise = nil
        inverseLength = 1
    }

    /// The cosine between a unit embedding and a row of whatever length.
    init(unit z: Span<Float>, row w: Span<Float>) {
        inverseLength = UnitRows.inverseLength(of: w)
        raw = Vector.dot(z, w) * inverseLength
        let isSteep = abs(raw) > PositiveMargin.isSteepFrom
        precise = isSteep ? Self.preciseCosine(z, w) : nil
    }

    private static func preciseCosine(_ z: Span<Float>, _ w: Span<Float>) -> Double {
        var (zw, zz, ww) = (0.0, 0.0, 0.0)
        for i in 0..<z.count {
            let (a, b) = (Double(z[i]), Double(w[i]))
            zw += a * b
            zz += a * a
            ww += b * b
        }
        guard zz > 0, ww > 0 else { return 0 }
        return min(max(zw / (zz * ww).squareRoot(), -1), 1)
    }
}
