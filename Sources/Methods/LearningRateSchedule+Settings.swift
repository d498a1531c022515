public import Optimizers
public import RunFiles

extension LearningRateSchedule {
    /// The learning rate of every step of a run.
    public init(_ settings: RunSettings) {
        let (warmup, power) = (settings.schedule.warmupSteps, settings.schedule.power)
        let curve: Curve =
            switch settings.schedule.kind {
            case .constant: .constant
            case .warmupLinear: .warmupLinear(warmup: warmup)
            case .warmupCosine: .warmupCosine(warmup: warmup)
            case .polynomial: .polynomial(warmup: warmup, power: power)
            case .halvedPolynomial: .halvedPolynomial(warmup: warmup, power: power)
            case .oneCycle: .oneCycle(startFraction: Double(warmup) / Double(settings.steps))
            case .multiStep:
                .multiStep(
                    milestones: settings.schedule.milestones, factor: settings.schedule.factor)
            }
        self.init(curve, base: settings.optimizer.learningRate, total: settings.steps)
    }
}
