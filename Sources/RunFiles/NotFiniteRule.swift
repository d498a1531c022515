extension OptimizerSettings {
    /// What becomes of a step whose gradient is not finite.
    public enum NotFiniteRule: String, CaseIterable, Hashable, Sendable {
        /// The run fails.
        case stop
        /// Nothing of the step is applied; the next one follows.
        case skip
    }
}
