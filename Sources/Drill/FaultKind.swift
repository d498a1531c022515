/// What a drill does to a run.
public enum FaultKind: String, CaseIterable, Codable, Hashable, Sendable {
    /// SIGKILL to a worker; it is started again under its name.
    case killWorker = "kill-worker"
    /// SIGSTOP to a worker, and SIGCONT once the run has gone on without it.
    case stopWorker = "stop-worker"
    /// A worker's connections are cut at whatever byte they are.
    case cutConnections = "cut-connections"
    /// A worker's connections stand still, half-open, until the run has gone on without it.
    case stallConnections = "stall-connections"
    /// SIGKILL to the coordinator; it is started again on its state directory.
    case killCoordinator = "kill-coordinator"

    /// Whether it hits a worker.
    public var hitsWorker: Bool { self != .killCoordinator }

    /// Whether it makes a worker silent, until it is let go.
    public var isSilence: Bool { self == .stopWorker || self == .stallConnections }

    /// Whether its target lives on: it hangs, or only its connections suffer.
    public var sparesProcess: Bool {
        self != .killWorker && self != .killCoordinator
    }
}
