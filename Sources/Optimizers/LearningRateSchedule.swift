/// The learning rate as a pure function of the step (MLCD sheet, section 2.5, "schedules").
///
/// Step 0 is the first update. Computed in double precision from the four basic operations and a
/// series for the cosine, so that every machine gets the same bits. From `total` on, the rate is
/// that of step `total` (of `total - 1` for the one-cycle schedule).
public struct LearningRateSchedule: Sendable, Equatable {
    /// The curve that the learning rate follows.
    public enum Curve: Sendable, Equatable {
        /// The base rate throughout.
        case constant
        /// `(t + 1) / w` up to step w, then `1 - (t - w) / (T - w)` (the reference run).
        case warmupLinear(warmup: Int)
        /// `(t + 1) / w` up to step w, then half a cosine down to 0 (CLIP, UNICOM).
        case warmupCosine(warmup: Int)
        /// `t / w` up to and including step w, then `(1 - (t - w) / (T - w))^power` (PartialFC).
        case polynomial(warmup: Int, power: Int)
        /// The recursion `rate <- rate (1 + ratio) / 2` over successive polynomial values, found
        /// in the authors' later trainer; it behaves like half the power.
        case halvedPolynomial(warmup: Int, power: Int)
        /// Cosine up from `base / 25`, then cosine down to `base / 25 / 10^4`; the first beta of
        /// Adam swings the other way (torch's OneCycleLR with its defaults).
        case oneCycle(startFraction: Double)
        /// The base rate times `factor` for each milestone that is reached (torch's MultiStepLR).
        case multiStep(milestones: [Int], factor: Double)
    }

    /// The curve.
    public let curve: Curve
    /// The highest rate.
    public let base: Double
    /// T, the number of updates of the whole run.
    public let total: Int

    /// A schedule over `total` updates whose highest rate is `base`.
    ///
    /// - Precondition: `total >= 1`, a warm-up is not negative, a power is at least 1.
    public init(_ curve: Curve, base: Double, total: Int) {
        precondition(total >= 1, "a schedule has at least one step, not \(total)")
        switch curve {
        case .warmupLinear(let warmup), .warmupCosine(let warmup):
            precondition(warmup >= 0, "a warm-up of \(warmup) steps")
        case .polynomial(let warmup, let power), .halvedPolynomial(let warmup, let power):
            precondition(warmup >= 0, "a warm-up of \(warmup) steps")
            precondition(power >= 1, "a polynomial schedule of power \(power)")
        case .multiStep(_, let factor):
            precondition(factor > 0 && factor.isFinite, "a factor of \(factor)")
        case .constant, .oneCycle: break
        }
        self.curve = curve
        self.base = base
        self.total = total
    }

    /// The learning rate of update `step` (0 first).
    public func rate(at step: Int) -> Double {
        precondition(step >= 0, "there is no step \(step)")
        switch curve {
        case .constant:
            return base
        case .warmupLinear(let warmup):
            guard step >= warmup else { return base * Double(step + 1) / Double(warmup) }
            return base * (1 - progress(step, after: warmup))
        case .warmupCosine(let warmup):
            guard step >= warmup else { return base * Double(step + 1) / Double(warmup) }
            return 0.5 * (1 + cosineOfHalfTurns(progress(step, after: warmup))) * base
        case .polynomial(let warmup, let power):
            return polynomialRate(step, warmup: warmup, power: power)
        case .halvedPolynomial(let warmup, let power):
            return halvedRate(step, warmup: warmup, power: power)
        case .oneCycle(let startFraction):
            let low = base / 25
            return anneal(
                step, startFraction: startFraction, from: low, over: base, to: low / 1e4)
        case .multiStep(let milestones, let factor):
            return milestones.reduce(base) { step >= $1 ? $0 * factor : $0 }
        }
    }

    /// Adam's first beta at update `step` where the schedule moves it, otherwise nil.
    public func firstBeta(at step: Int) -> Double? {
        guard case .oneCycle(let startFraction) = curve else { return nil }
        return anneal(step, startFraction: startFraction, from: 0.95, over: 0.85, to: 0.95)
    }

    /// The part of the way from the end of the warm-up to T that is done, 0 to 1.
    private func progress(_ step: Int, after warmup: Int) -> Double {
        guard total > warmup else { return step < total ? 0 : 1 }
        return Double(min(step, total) - warmup) / Double(total - warmup)
    }

    private func polynomialRate(_ step: Int, warmup: Int, power: Int) -> Double {
        guard step > warmup || warmup == 0 else { return base * Double(step) / Double(warmup) }
        return base * raised(1 - progress(step, after: warmup), to: power)
    }

    private func halvedRate(_ step: Int, warmup: Int, power: Int) -> Double {
        guard step > warmup else {
            return warmup == 0 ? base : base * Double(step) / Double(warmup)
        }
        var rate = base
        for t in (warmup + 1)...max(warmup + 1, min(step, total)) {
            let before = 1 - progress(t - 1, after: warmup)
            guard before > 0 else { break }
            let ratio = raised((1 - progress(t, after: warmup)) / before, to: power)
            rate *= (1 + ratio) / 2
        }
        return rate
    }

    /// Half a cosine from `low` to `peak` over the first part, then from `peak` to `end`.
    private func anneal(
        _ step: Int, startFraction: Double, from low: Double, over peak: Double, to end: Double
    ) -> Double {
        let up = startFraction * Double(total) - 1  // the peak lies at step `up`, the end at T - 1
        let t = Double(min(step, total - 1))
        if t <= up {
            let fraction = up > 0 ? t / up : 1
            return peak + (low - peak) / 2 * (1 + cosineOfHalfTurns(fraction))
        }
        let fraction = (t - up) / (Double(total - 1) - up)
        return end + (peak - end) / 2 * (1 + cosineOfHalfTurns(fraction))
    }
}

/// `base` to a whole, not negative power, by repeated squaring.
func raised(_ base: Double, to power: Int) -> Double {
    precondition(power >= 0, "a power of \(power)")
    var result = 1.0
    var square = base
    var rest = power
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

/// cos(pi f) for f in 0...1, exact at 0, 1/2 and 1, elsewhere within 1e-15 (Taylor series of at
/// most nine terms on an eighth of a turn); not libm, whose bits depend on the processor.
func cosineOfHalfTurns(_ f: Double) -> Double {
    precondition(f >= 0 && f <= 1, "cosineOfHalfTurns(\(f))")
    if f > 0.5 { return -cosineOfHalfTurns(1 - f) }
    let isSine = f > 0.25
    let x = Double.pi * (isSine ? 0.5 - f : f)
    var term = isSine ? x : 1.0
    var sum = term
    var next = isSine ? 2.0 : 1.0
    for _ in 0..<9 {
        term *= -x * x / (next * (next + 1))
        sum += term
        next += 2
    }
    return sum
}
