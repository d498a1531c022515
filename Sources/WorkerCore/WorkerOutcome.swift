public import Messages

/// How a worker ended.
public enum WorkerOutcome: Hashable, Sendable {
    /// All steps are made.
    case done(String)
    /// The coordinator closed on purpose.
    case closing(String)
    /// The worker was told to stop; its slices are handed back.
    case drained
    /// The run failed.
    case runFailed(String)
    /// The coordinator, or the worker itself, found that it cannot take part.
    case refused(Refusal)
    /// Nobody answered within the time of the first join.
    case unreachable(String)
    /// The worker cannot start, or cannot prepare: what, where, and what to do.
    case failed(String)

    /// The exit code of a worker that computed wrong bits: this coordinator takes it in no more.
    public static let quarantinedCode: Int32 = 3

    /// The exit code of `pleiad worker`: 0 if there is nothing left to do; 1 if the run has failed
    /// or nobody answers; 2 if what the worker was given, such as its data, does not fit the run;
    /// `quarantinedCode`.
    public var exitCode: Int32 {
        switch self {
        case .done, .closing, .drained: 0
        case .runFailed, .unreachable: 1
        case .refused(let refusal):
            refusal.code == .quarantined ? Self.quarantinedCode : 2
        case .failed: 2
        }
    }

    /// One or two sentences for people: what happened and what to do.
    public var sentence: String {
        switch self {
        case .done(let detail): detail.isEmpty ? "The run is done." : detail
        case .closing(let detail): detail.isEmpty ? "The coordinator has closed." : detail
        case .drained: "The worker was told to stop and has handed its slices back."
        case .runFailed(let detail): "The run has failed: \(detail)"
        case .refused(let refusal): refusal.description
        case .unreachable(let detail): detail
        case .failed(let detail): detail
        }
    }
}
