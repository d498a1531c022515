public import Messages

/// What a worker is told when it is started.
public struct WorkerOptions: Hashable, Sendable {
    /// Where the coordinator listens.
    public var url: String
    /// The name under which it appears; unique among live workers.
    public var name: String
    /// Compute slots, each with a thread of its own.
    public var slots: Int
    /// Where the data lie; nil for where the run file says.
    public var dataDirectory: String?
    /// Whether an unencrypted connection to another machine is allowed.
    public var insecure: Bool
    /// Bytes that activations of parked slices may take on this worker; past it they are dropped
    /// and forward runs again when the answer comes, with the same bits.
    public var activationBudgetBytes: Int

    /// A gigabyte: hundreds of small slices, a handful of large ones.
    public static let activationBudgetBytesDefault = 1 << 30

    /// Options with these values.
    public init(
        url: String, name: String, slots: Int = 1, dataDirectory: String? = nil,
        insecure: Bool = false,
        activationBudgetBytes: Int = WorkerOptions.activationBudgetBytesDefault
    ) {
        self.url = url
        self.name = name
        self.slots = slots
        self.dataDirectory = dataDirectory
        self.insecure = insecure
        self.activationBudgetBytes = activationBudgetBytes
    }

    /// What is wrong with the options, as a sentence with its remedy; nil if nothing is.
    var problem: String? {
        guard isValidPeerName(name) else {
            return "The name '\(name)' cannot be used: \(peerNameRule)."
        }
        guard (1...MessageLimits.slots).contains(slots) else {
            return "\(slots) slots cannot be used: take 1 to \(MessageLimits.slots)."
        }
        return nil
    }
}

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

    /// The exit code of `pleiad worker`: 0 if there is nothing left to do; 1 if the run has failed
    /// or nobody answers; 2 if what the worker was given, such as its data, does not fit the run.
    public var exitCode: Int32 {
        switch self {
        case .done, .closing, .drained: 0
        case .runFailed, .unreachable: 1
        case .refused, .failed: 2
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
