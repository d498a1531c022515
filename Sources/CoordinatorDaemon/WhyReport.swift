public import Storage

/// What `pleiad why` says: of a coordinator that answers, of one that does not, or of a state
/// directory.
public struct WhyReport: JSONDocument {
    /// A worker that is gone and was not told to go.
    public struct Lost: Encodable, Hashable, Sendable {
        /// Its name.
        public var worker: String
        /// The life that ended, `epoch.counter`.
        public var incarnation: String
        /// Why it is gone.
        public var end: String
        /// Seconds since its last sign of life.
        public var sinceSeconds: Double

        enum CodingKeys: String, CodingKey {
            case worker, incarnation, end
            case sinceSeconds = "since_seconds"
        }
    }

    /// Who says it: `coordinator`, `directory` or `nobody`.
    public var source: String
    /// The address or the directory.
    public var place: String
    /// The run's name; nil where nobody says.
    public var run: String?
    /// As in status; `unknown` where no coordinator answers.
    public var state: String
    /// Committed steps, and all steps.
    public var step: Int?
    /// All steps.
    public var steps: Int?
    /// Steps in the ledger when the coordinator started: up to there they are made again.
    public var recorded: Int?
    /// What holds the run up; nil if nothing does.
    public var critical: StatusDocument.Wait?
    /// Every wait, longest first.
    public var waiting: [StatusDocument.Wait]
    /// Workers that are gone and were not told to go, by name.
    public var lost: [Lost]
    /// Whether nobody answers and the run is not done.
    public var isUnanswered = false

    enum CodingKeys: CodingKey {
        case source, place, run, state, step, steps, recorded, critical, waiting, lost
    }

    /// What a coordinator says.
    public init(_ document: StatusDocument, url: String) {
        (source, place, run) = ("coordinator", url, document.run)
        (state, step, steps) = (document.state, document.step, document.steps)
        (recorded, critical, waiting) = (document.recorded, document.critical, document.waiting)
        lost = document.workers.filter { $0.state == "lost" && !document.isOver }.map {
            Lost(
                worker: $0.name, incarnation: $0.incarnation, end: $0.end,
                sinceSeconds: $0.lastSeenSeconds)
        }
    }

    /// What can be said of a coordinator that does not answer.
    public init(unanswered problem: String, url: String) {
        (source, place, state, isUnanswered) = ("nobody", url, "unknown", true)
        let wait = StatusDocument.Wait(
            kind: "coordinator", what: "an answer of the coordinator: \(problem)",
            who: "coordinator", sinceSeconds: 0,
            next: "pleiad why STATE-DIRECTORY on its host says whether it lives and what it left")
        (critical, waiting, lost) = (wait, [wait], [])
    }

    /// What a state directory says.
    public init(_ outlook: DirectoryOutlook) {
        (source, place, run) = ("directory", outlook.directory, outlook.run.name)
        (state, step, steps) = (
            outlook.isDone ? "done" : "unknown", outlook.recorded, outlook.run.steps
        )
        critical = outlook.wait
        waiting = outlook.wait.map { [$0] } ?? []
        lost = []
        isUnanswered = outlook.wait != nil
    }

    /// Whether steps are made that the ledger has already.
    public var isMakingAgain: Bool {
        guard state == "running", let step, let recorded else { return false }
        return step < recorded
    }

    /// Every key at all times: what nobody can say is null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(source, forKey: .source)
        try keys.encode(place, forKey: .place)
        try keys.encode(run, forKey: .run)
        try keys.encode(state, forKey: .state)
        try keys.encode(step, forKey: .step)
        try keys.encode(steps, forKey: .steps)
        try keys.encode(recorded, forKey: .recorded)
        try keys.encode(critical, forKey: .critical)
        try keys.encode(waiting, forKey: .waiting)
        try keys.encode(lost, forKey: .lost)
    }
}
