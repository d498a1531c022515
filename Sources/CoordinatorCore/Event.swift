public import Identity
public import Messages

/// A point of the caller's monotonic clock.
public struct Moment: Hashable, Comparable, Sendable {
    /// Nanoseconds since an arbitrary start.
    public var nanoseconds: UInt64
    /// A moment so many nanoseconds after the start.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
    /// Earlier moments first.
    public static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The moment after a duration.
    public static func + (a: Moment, d: Duration) -> Moment {
        let (seconds, attoseconds) = d.components
        return Moment(
            nanoseconds: a.nanoseconds + UInt64(seconds) * 1_000_000_000
                + UInt64(attoseconds / 1_000_000_000))
    }
    /// The time from `b` to `a`; zero if `a` is earlier.
    public static func - (a: Moment, b: Moment) -> Duration {
        .nanoseconds(a.nanoseconds >= b.nanoseconds ? Int64(a.nanoseconds - b.nanoseconds) : 0)
    }
}

/// A connection of one life of the coordinator; never reused.
public struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    public var value: UInt64
    /// A connection by number.
    public init(_ value: UInt64) { self.value = value }
    /// `connection N`.
    public var description: String { "connection \(value)" }
    /// Earlier connections first.
    public static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.value < b.value }
}

/// Names the tensors that came with a request and that the shell holds until told to keep or
/// drop them.
public struct StagedKey: Hashable, Comparable, Sendable {
    /// The connection on which they came.
    public var connection: ConnectionID
    /// The request with which they came.
    public var request: RequestID
    /// The tensors of a request.
    public init(connection: ConnectionID, request: RequestID) {
        self.connection = connection
        self.request = request
    }
    /// By connection, then by request.
    public static func < (a: StagedKey, b: StagedKey) -> Bool {
        (a.connection, a.request) < (b.connection, b.request)
    }
}

/// A step as the shell opened it.
public struct OpenedStep: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// Digest of the version that it is computed with.
    public var version: Digest
    /// Digest of the averages in the version; zero without any.
    public var averages: Digest
    /// Its slices' tasks, in order; the same for every opening of this step.
    public var tasks: [SliceTask]
    /// The tasks of the step after it, for hints; empty for the last one.
    public var nextTasks: [SliceTask]
    /// Of every slice the data shards that it needs, rising; empty where each slice needs all.
    public var shards: [[UInt32]]
    /// An opened step.
    public init(
        step: StepNumber, version: Digest, averages: Digest = .zero, tasks: [SliceTask],
        nextTasks: [SliceTask], shards: [[UInt32]] = []
    ) {
        self.step = step
        self.version = version
        self.averages = averages
        self.tasks = tasks
        self.nextTasks = nextTasks
        self.shards = shards
    }

    /// Whether this digest names the version or its averages.
    func names(_ digest: Digest) -> Bool {
        digest == version || digest == averages && averages != .zero
    }
}

/// What happens to the coordinator.
///
/// Requests come decoded; their tensors stay with the shell.
public enum Event: Sendable {
    /// A peer has connected; `ticket` is random and opens bulk connections if it says hello.
    case connected(ConnectionID, peer: String, ticket: UInt64)
    /// A connection is gone, by whoever's doing.
    case closed(ConnectionID)
    /// A request came; a request with tensors has them staged under (connection, request).
    case request(ConnectionID, RequestID, Incarnation, Request)
    /// A request came whose tensors cannot be used, for this reason; nothing is staged.
    case unusable(ConnectionID, RequestID, Incarnation, Request, Refusal)
    /// Labels are there and state is loaded: steps `0 ..< committed` are in it, and the ledger
    /// holds records of steps `0 ..< recorded` (recorded >= committed).
    case prepared(committed: StepNumber, recorded: StepNumber)
    /// Effect `openStep` is carried out.
    case stepOpened(OpenedStep)
    /// Effect `answerGroup` is carried out.
    case groupAnswered(StepNumber, round: Int, group: Int)
    /// Effect `commit` is carried out: the step is in the ledger.
    case committed(StepNumber)
    /// Effect `commit` waits until the checkpoint that is being written has taken some rows of
    /// tables, since no more of them may be copied; or it goes on.
    case copiesFull(Bool)
    /// Effect `checkpoint` is carried out: a whole checkpoint of `committed` steps is on disk.
    case checkpointed(committed: StepNumber)
    /// An effect failed for good: the run has failed.
    case failed(String)
    /// The operator wants the coordinator to end at the end of the open step.
    case stopRequested(String)
    /// Time has passed; comes at least every 100 ms.
    case tick
}
