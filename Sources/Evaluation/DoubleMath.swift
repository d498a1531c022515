/// Exponential and logarithm in double precision without the C library, whose bits differ between
/// machines: the linear probe's line search compares values that agree to 14 digits.
enum DoubleMath {
    /// e^x with relative error below 4e-16; 0 below -700, which is all that a softmax asks.
    static func exp(_ x: Double) -> Double {
        guard x > -700 else { return 0 }
        precondition(x < 700, "exp(\(x))")
        let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
        // ln 2 in two parts (fdlibm's split), so that k * high is exact.
        let r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
        // Taylor's series up to r^13 / 13!: |r| <= 0.3466, the next term is below 1e-17.
        var sum = 1.0
        for divisor in stride(from: 13.0, through: 1, by: -1) {
            sum = 1 + sum * r / divisor
        }
        return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
    }

    /// ln x for x > 0 by two steps of Halley's iteration from the float's logarithm `guess`.
    static func log(_ x: Double, guess: Float) -> Double {
        var y = Double(guess)
        for _ in 0..<2 {
            let e = exp(y)
            y += 2 * (x - e) / (x + e)
        }
        return y
    }
}
