public import Optimizers
internal import RunFiles
public import Tables

/// The section `mlcd.table`: how rows begin and move (sheet section 2.5).
public struct MLCDTableSettings: Hashable, Sendable {
    /// What rows are before the first step.
    public enum Start: String, CaseIterable, Hashable, Sendable {
        /// Normal numbers of deviation 0.01.
        case random
        /// The centers of the clustering, at unit length; their features are as long as embeddings.
        case centroids
    }

    /// The update rule with its constants.
    ///
    /// Keys `optimizer`, `weightDecay`, `momentum`, `beta1`, `beta2`, `epsilon`; the network's by
    /// default, except AdamW's betas .9 and .999.
    public var rule: UpdateRule
    /// The table's learning rate is this times the network's (key `learningRateFactor`).
    public var learningRateFactor: Double
    /// Which rows an update moves (key `update`).
    public var update: CenterTable.Update
    /// The greatest norm of the gradient by all rows; 0 for no clipping (key `clipNorm`).
    public var clipNorm: Double
    /// What rows are before the first step (key `start`).
    public var start: Start

    init(from section: Section, optimizer: OptimizerSettings) {
        let kind: OptimizerSettings.Kind = section.choice("optimizer", default: optimizer.kind)
        let decay = kind == optimizer.kind ? optimizer.weightDecay : kind == .adamw ? 0.05 : 0.0005
        learningRateFactor = section.float("learningRateFactor", in: 0...1000, default: 1)
        update = section.choice("update", default: .rows, .later)
        clipNorm = section.float("clipNorm", in: 0...1_000_000, default: 0, .later)
        start = section.choice("start", default: .random, .later)
        let weightDecay = section.float("weightDecay", in: 0...10, default: decay)
        switch kind {
        case .adamw:
            rule = .adamW(
                AdamW(
                    beta1: section.float("beta1", in: 0...0.999_999, default: 0.9),
                    beta2: section.float("beta2", in: 0...0.999_999_9, default: 0.999),
                    epsilon: section.positiveFloat("epsilon", upTo: 1, default: 1e-8),
                    weightDecay: weightDecay))
        case .sgd:
            let momentum = section.float("momentum", in: 0...0.999_999, default: 0.9)
            rule = .sgd(SGDMomentum(momentum: momentum, weightDecay: weightDecay))
        }
    }
}
