/// Why a drill cannot be held, or came to an end before its time.
public enum DrillError: Error, Hashable, Sendable, CustomStringConvertible {
    /// More faults are wanted than the run has steps for.
    case tooManyFaults(wanted: Int, steps: Int)
    /// The run has fewer steps than a drill needs.
    case tooFewSteps(Int)
    /// The coordinator ended, or did not begin to listen.
    case coordinator(String)
    /// A worker gave up.
    case worker(String)
    /// Nothing happened for too long.
    case hang(what: String, seconds: Int)

    /// Whether what was given is at fault.
    public var isBadInput: Bool {
        switch self {
        case .tooManyFaults, .tooFewSteps: true
        case .coordinator, .worker, .hang: false
        }
    }

    /// What happened, and what to do.
    public var description: String {
        switch self {
        case .tooManyFaults(let wanted, let steps):
            "\(wanted) faults do not fit into \(steps) steps, of which the first and the last are "
                + "left in peace: take fewer --kills or more --steps"
        case .tooFewSteps(let steps):
            "a drill needs at least 3 steps, not \(steps)"
        case .coordinator(let what): "the coordinator \(what)"
        case .worker(let what): what
        case .hang(let what, let seconds): "\(what) did not happen within \(seconds) s"
        }
    }
}
