import Identity
import Messages

/// A lease of one life of the worker: the same slice may be leased again in another life.
struct LeaseKey: Hashable, Sendable {
    var life: Int
    var step: StepNumber
    var slice: SliceNumber
}

/// A step as a version makes it: results of one are never mixed with those of another.
struct StepKey: Hashable, Sendable {
    var step: StepNumber
    var version: Digest
}

/// Why a slice must not go on.
enum StopReason: Error, Hashable, Sendable {
    /// The worker drains: the slice is handed back.
    case drain
    /// The coordinator wants no result of it.
    case abandoned
    /// The connection over which it was leased is gone.
    case lost
}
