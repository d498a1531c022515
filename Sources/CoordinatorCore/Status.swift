/// Where the run stands.
public enum RunState: String, Codable, Hashable, Sendable {
    /// Labels and state are being made or loaded.
    case starting
    /// Steps are made, or could be.
    case running
    /// No slice is leased until somebody has looked at what went wrong.
    case paused
    /// All steps are made and the last checkpoint is on disk.
    case done
    /// Something failed for good.
    case failed
}

/// What the coordinator thinks of a worker.
public enum WorkerState: String, Codable, Hashable, Sendable {
    /// Welcomed; loads its data.
    case joining
    /// Takes leases.
    case ready
    /// Silent for half a lease term, or one of its slices is overdue.
    case suspect
    /// Its connection died, it fell silent, or it hung.
    case lost
    /// It said goodbye.
    case left
    /// It computed wrong bits: it gets no more leases.
    case quarantined
}

/// A worker in a status snapshot.
public struct WorkerStatus: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// What the coordinator thinks of it.
    public var state: WorkerState
    /// Its present or last incarnation, `epoch.counter`.
    public var incarnation: String
    /// Its host, for people.
    public var host: String
    /// Its process id.
    public var processID: UInt32
    /// Its release, for people.
    public var programVersion: String
    /// Compute slots.
    public var slots: Int
    /// Slices whose results counted, over all incarnations under this name.
    public var slicesDone: Int
    /// Slices of the open step that it holds, in order.
    public var slices: [Int]
    /// Seconds since its last sign of life.
    public var lastSeenSeconds: Double
    /// What its slots do, such as `forward 2, parked 1`; empty once it is gone.
    public var phase: String
    /// What a slice takes it to compute, a mean over the last ones; nil before the first.
    public var sliceSeconds: Double?
    /// Why it is gone; empty while it is not.
    public var end: String
}

/// A worker that was found faulty.
public struct QuarantineStatus: Codable, Hashable, Sendable {
    /// Its name.
    public var worker: String
    /// What it did.
    public var reason: String
    /// Seconds since it was found.
    public var sinceSeconds: Double
}

/// The machine's state for people, at one moment.
public struct MachineStatus: Codable, Hashable, Sendable {
    /// The run's name.
    public var runName: String
    /// The coordinator's epoch.
    public var epoch: UInt32
    /// Where the run stands.
    public var state: RunState
    /// A sentence: what is being prepared, why it is paused, how it ended.
    public var detail: String
    /// Committed steps.
    public var step: Int
    /// Steps after which this start ends.
    public var steps: Int
    /// Steps that the ledger held at the start; those past the checkpoint are made again.
    public var recorded: Int
    /// Committed steps in the newest whole checkpoint, if there is one.
    public var checkpointStep: Int?
    /// Slices of the open step that hold samples; 0 while none is open.
    public var slicesOpen: Int
    /// Of those, how many are done.
    public var slicesDone: Int
    /// Gradient nodes on their way or kept.
    public var creditsUsed: Int
    /// The most that `creditsUsed` can be.
    public var creditsMax: Int
    /// Connections that have not said hello.
    public var strangers: Int
    /// Connected clients.
    public var clients: Int
    /// The last incarnation under every name that this epoch has seen, by name.
    public var workers: [WorkerStatus]
    /// Every wait, longest first.
    public var waiting: [Wait]
    /// Of those, the one that holds the run up.
    public var critical: Wait?
    /// Workers that were found faulty, by name.
    public var quarantine: [QuarantineStatus]
}
