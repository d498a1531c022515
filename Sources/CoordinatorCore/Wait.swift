/// What sort of thing the run waits for.
public enum WaitKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Labels and state are made or loaded.
    case preparation
    /// A step is opened: its tasks, the method's draw.
    case opening
    /// A step is committed.
    case commit
    /// A checkpoint is written.
    case checkpoint
    /// A commit for which the checkpoint that is written must let go of rows of tables.
    case copies
    /// No worker is ready.
    case noWorker
    /// A worker that was welcomed loads its data.
    case joining
    /// A slice that nobody has.
    case lease
    /// Data shards that slices need and no worker that is ready holds.
    case shard
    /// A slice that a worker computes.
    case slice
    /// A version on its way to a worker.
    case version
    /// A slice parked at its exchange.
    case exchange
    /// The answer of a group, for which inputs are missing or that the coordinator computes.
    case answer
    /// A node that may not be sent yet.
    case credit
    /// A node on its way.
    case delivery
    /// A disputed slice that another worker is to compute.
    case dispute
    /// A worker that is kept out.
    case quarantine
    /// Somebody has to look at what went wrong.
    case paused
    /// The run is to end after the open step.
    case stop
}

/// Something that the run waits for: every wait has a name, and an end.
public struct Wait: Codable, Hashable, Sendable {
    /// What sort of thing.
    public var kind: WaitKind
    /// What is waited for.
    public var what: String
    /// Who must act.
    public var who: String
    /// Seconds since it began.
    public var sinceSeconds: Double
    /// Seconds until the coordinator does something about it by itself; nil where it does nothing.
    public var deadlineSeconds: Double?
    /// What happens next.
    public var next: String
}
