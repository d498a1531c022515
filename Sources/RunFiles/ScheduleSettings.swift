/// The section `schedule`: how the learning rate moves over the steps of the run.
public struct ScheduleSettings: Hashable, Sendable {
    /// The shape of the curve after warm-up.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// A straight line to 0.
        case warmupLinear = "warmup-linear"
        /// Half a cosine to 0.
        case warmupCosine = "warmup-cosine"
        /// A power of the straight line to 0, after a warm-up that begins at 0.
        case polynomial
        /// The recursion of the later trainer of MLCD's authors over that power.
        case halvedPolynomial = "halved-polynomial"
        /// Half a cosine up from a 25th of the peak, half a cosine down to a 10,000th of that;
        /// AdamW's first decay rate swings the other way.
        case oneCycle = "one-cycle"
        /// The peak throughout.
        case constant
        /// The peak, times a factor from each of some steps on.
        case multiStep = "multi-step"
    }

    /// The shape of the curve after warm-up.
    public var kind: Kind
    /// Steps of warm-up; those until the peak where the kind is `one-cycle`.
    public var warmupSteps: Int
    /// The polynomials' power; 1 for the other kinds.
    public var power: Int
    /// The steps from which on the rate is lower, rising; none but for `multi-step`.
    public var milestones: [Int]
    /// What the rate is multiplied by at each of them.
    public var factor: Double

    /// A fraction of the steps is rounded down, but never for want of a binary digit.
    init(from section: Section, steps: Int) {
        kind = section.choice("kind", default: .warmupLinear)
        (power, milestones, factor) = (1, [], 1)
        if kind == .multiStep {
            warmupSteps = 0
            milestones = section.ints(
                "milestones", count: 1...64, in: 1...1_000_000_000)
            factor = section.positiveFloat("factor", upTo: 1, default: 0.1)
            if zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) {
                section.reject("milestones", "do not rise", allowed: "steps in rising order")
            }
            return
        }
        if section.has("warmupSteps") {
            if section.has("warmupFraction") {
                section.reject(
                    "warmupFraction", "stands beside warmupSteps", allowed: "one of both")
                _ = section.optionalFloat("warmupFraction", in: 0...1)
            }
            warmupSteps = section.int("warmupSteps", in: 0...1_000_000_000)
            if warmupSteps > steps {
                section.reject(
                    "warmupSteps", "\(warmupSteps) of \(steps) steps", allowed: "at most steps")
            }
        } else {
            let fraction = section.float(
                "warmupFraction", in: 0...1, default: kind == .constant ? 0 : 0.1)
            warmupSteps = Int((Double(steps) * fraction + 1e-6).rounded(.down))
        }
        if kind == .polynomial || kind == .halvedPolynomial {
            power = section.int("power", in: 1...16, default: kind == .polynomial ? 1 : 2)
        }
    }
}
