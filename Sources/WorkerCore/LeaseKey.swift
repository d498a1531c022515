package import Identity
package import Messages

/// A lease of one life of the worker: the same slice may be leased again in another life.
package struct LeaseKey: Hashable, Sendable {
    /// The life.
    package var life: Int
    /// The step.
    package var step: StepNumber
    /// The slice.
    package var slice: SliceNumber

    /// The lease of a slice.
    package init(life: Int, step: StepNumber, slice: SliceNumber) {
        (self.life, self.step, self.slice) = (life, step, slice)
    }
}

/// A step as a version makes it: results of one are never mixed with those of another.
package struct StepKey: Hashable, Sendable {
    /// The step.
    package var step: StepNumber
    /// Digest of the version that it is computed with.
    package var version: Digest

    /// A step with its version.
    package init(step: StepNumber, version: Digest) {
        (self.step, self.version) = (step, version)
    }
}

/// Why a slice must not go on.
package enum StopReason: Error, Hashable, Sendable {
    /// The worker drains: the slice is handed back.
    case drain
    /// The coordinator wants no result of it.
    case abandoned
    /// The connection over which it was leased is gone.
    case lost
}
