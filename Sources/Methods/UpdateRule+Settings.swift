public import Optimizers
public import RunFiles

extension UpdateRule {
    /// The rule that a run file names.
    public init(_ settings: OptimizerSettings) {
        switch settings.kind {
        case .adamw:
            self = .adamW(
                AdamW(
                    beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                    weightDecay: settings.weightDecay))
        case .sgd:
            self = .sgd(
                SGDMomentum(momentum: settings.momentum, weightDecay: settings.weightDecay))
        }
    }
}
