import Kernels
public import Tensors

/// AdamW with decoupled weight decay (Loshchilov and Hutter 2019), in torch's order of operations.
public struct AdamW: Sendable, Hashable {
    /// The share of the old first moment.
    public var beta1: Double
    /// The share of the old second moment.
    public var beta2: Double
    /// Keeps the divisor from zero.
    public var epsilon: Double
    /// Lambda: a parameter shrinks by rate times this before it moves.
    public var weightDecay: Double

    /// AdamW with these constants; the defaults are those of the MLCD sheet, section 2.5.
    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        precondition(
            0 <= beta1 && beta1 < 1 && 0 <= beta2 && beta2 < 1 && epsilon > 0,
            "AdamW with betas \(beta1), \(beta2) and epsilon \(epsilon)")
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// The numbers of update `t` (1 for the first), worked out in double precision.
    ///
    /// The bias correction is that of the betas as the loops have them, rounded to floats.
    func numbers(rate: Double, update t: Int, decays: Bool) -> OptimizerLoops.AdamWStep {
        precondition(t >= 1, "updates count from 1, not \(t)")
        let (first, second) = (Float(beta1), Float(beta2))
        return OptimizerLoops.AdamWStep(
            keep: Float(1 - rate * (decays ? weightDecay : 0)), beta1: first, beta2: second,
            stepSize: Float(rate / (1 - raised(Double(first), to: t))),
            rootCorrection: Float((1 - raised(Double(second), to: t)).squareRoot()),
            epsilon: Float(epsilon))
    }
}

/// Stochastic gradient descent with momentum in torch's form: v <- mu v + g + lambda w;
/// w <- w - eta v.
public struct SGDMomentum: Sendable, Hashable {
    /// Mu, the share of the old momentum.
    public var momentum: Double
    /// Lambda: added to the gradient, times the parameter.
    public var weightDecay: Double

    /// SGD with these constants.
    public init(momentum: Double = 0.9, weightDecay: Double = 0) {
        precondition(0 <= momentum && momentum < 1, "SGD with momentum \(momentum)")
        self.momentum = momentum
        self.weightDecay = weightDecay
    }
}

/// How parameters or table rows move along a gradient, element by element: the same bits in
/// whatever pieces a tensor is updated.
public enum UpdateRule: Sendable, Hashable {
    /// AdamW; two moments.
    case adamW(AdamW)
    /// SGD with momentum; one moment.
    case sgd(SGDMomentum)

    /// The names of the moments in checkpoints, as torch has them; as many as there are moments.
    public var momentNames: [String] {
        switch self {
        case .adamW: ["exp_avg", "exp_avg_sq"]
        case .sgd: ["momentum_buffer"]
        }
    }

    /// The number of values of state for each parameter.
    public var momentCount: Int { momentNames.count }

    /// The rule with another first beta, where it has one: for schedules that move it.
    public func with(firstBeta: Double?) -> UpdateRule {
        guard case .adamW(var adamW) = self, let firstBeta else { return self }
        adamW.beta1 = firstBeta
        return .adamW(adamW)
    }

    /// Moves parameters by one update.
    ///
    /// - Parameters:
    ///   - parameters: any shape.
    ///   - moments: ``momentCount`` tensors of that shape; zeros before the first update.
    ///   - gradient: of that shape.
    ///   - rate: the learning rate.
    ///   - update: t, 1 for the first update of the run, which AdamW's bias correction counts;
    ///     for rows of a table too, whenever they were first drawn.
    public func apply(
        to parameters: inout Tensor, moments: inout [Tensor], gradient: Tensor, rate: Double,
        update: Int
    ) {
        apply(
            to: &parameters, moments: &moments, gradient: gradient, rate: rate, update: update,
            parts: [Part(range: 0..<parameters.count, decays: true)], threads: 1)
    }

    /// A range of parameters that move alike.
    struct Part: Sendable {
        /// Their places, row-major.
        var range: Range<Int>
        /// Whether weight decay applies to them.
        var decays: Bool
    }

    /// Moves the elements of disjoint parts, on several threads.
    func apply(
        to parameters: inout Tensor, moments: inout [Tensor], gradient: Tensor, rate: Double,
        update: Int, parts: [Part], threads: Int
    ) {
        precondition(
            gradient.shape == parameters.shape && moments.count == momentCount
                && moments.allSatisfy { $0.shape == parameters.shape },
            "parameters \(parameters.shape), gradient \(gradient.shape), moments "
                + "\(moments.map(\.shape))")
        // Taken apart, since one array does not give two of its elements away at once.
        var first = moments[0]
        var second = moments.count > 1 ? moments[1] : Tensor(zeros: [0])
        moments = []
        var p = parameters.mutableSpan
        var m = first.mutableSpan
        var v = second.mutableSpan
        let ranges = parts.map(\.range)
        let decayed = ElementUpdate(self, rate: rate, update: update)
        let undecayed = ElementUpdate(self, rate: rate, update: update, decays: false)
        updateParts(&p, &m, &v, parts: ranges, threads: threads) { part, p, m, v in
            let update = parts[part].decays ? decayed : undecayed
            update.move(
                &p, gradient: gradient.span.extracting(ranges[part]), first: &m, second: &v)
        }
        moments = momentCount > 1 ? [first, second] : [first]
    }
}
