public import Methods
public import Storage

/// What `pleiad status` and `pleiad why` show: the machine's view of the run, joined with the
/// figures of the numeric state.
///
/// Its JSON keys are an interface: they are only ever added to.
public struct StatusDocument: Codable, JSONDocument, Sendable {
    /// An exchange round.
    public struct Round: Codable, Sendable {
        /// The round's name.
        public var name: String
        /// How many answer groups a step has.
        public var groups: Int
    }

    /// A worker under its name.
    public struct Worker: Codable, Sendable {
        /// The name.
        public var name: String
        /// `joining`, `ready`, `suspect`, `lost` or `left`.
        public var state: String
        /// Its present or last incarnation, `epoch.counter`.
        public var incarnation: String
        /// Slices whose results counted.
        public var slicesDone: Int
        /// Seconds since its last sign of life.
        public var lastSeenSeconds: Double
        /// What its slots do.
        public var phase: String
        /// Host and process.
        public var host: String
        /// Compute slots.
        public var slots: Int
        /// Seconds that a slice takes it to compute, a mean; nil before the first.
        public var sliceSeconds: Double?
        /// Why it is gone; empty while it is not.
        public var end: String

        enum CodingKeys: String, CodingKey {
            case name, state, incarnation, phase, host, slots, end
            case slicesDone = "slices_done"
            case lastSeenSeconds = "last_seen_seconds"
            case sliceSeconds = "slice_seconds"
        }
    }

    /// A worker that was found faulty.
    public struct Quarantined: Codable, Sendable {
        /// Its name.
        public var worker: String
        /// What it did.
        public var reason: String
        /// For how long it has been kept out.
        public var sinceSeconds: Double

        enum CodingKeys: String, CodingKey {
            case worker, reason
            case sinceSeconds = "since_seconds"
        }
    }

    /// What has travelled between coordinator and workers, of one kind, since the start.
    public struct Transfer: Codable, Sendable {
        /// `versions` or `answers`, sent; `gradients` or `exchanges`, received.
        public var name: String
        /// Messages.
        public var messages: Int
        /// Bytes of their bodies.
        public var bytes: Int
        /// Seconds that they took, summed over connections.
        public var seconds: Double
        /// Bytes over seconds; nil before the first.
        public var bytesPerSecond: Double?

        enum CodingKeys: String, CodingKey {
            case name, messages, bytes, seconds
            case bytesPerSecond = "bytes_per_second"
        }
    }

    /// A figure of the last committed step.
    public struct Figure: Codable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: Double
    }

    /// What was measured of the model after a step.
    public struct Evaluated: Codable, Sendable {
        /// The steps that the model had made.
        public var step: Int
        /// Shares of 1 by the names of `pleiad evaluate --json`, joined by dots: `knn.top1`.
        public var accuracies: [Figure]
    }

    /// A phase of a step.
    public struct Phase: Codable, Sendable {
        /// `turn`, `forward`, `exchange` or `backward`.
        public var name: String
        /// Seconds that it took, a mean over the last steps.
        public var seconds: Double
    }

    /// The run's name.
    public var run: String
    /// `starting`, `running`, `paused`, `done` or `failed`.
    public var state: String
    /// A sentence on the state: what is being prepared, why it is paused or failed.
    public var detail: String
    /// Committed steps.
    public var step: Int
    /// Steps of this start.
    public var steps: Int
    /// Steps that the ledger held at the start: up to there they are made again.
    public var recorded: Int
    /// Estimated seconds until the last step, if it can be told.
    public var etaSeconds: Double?
    /// The loss of the last committed step.
    public var loss: Double?
    /// Samples a second over the last steps.
    public var samplesPerSecond: Double
    /// Steps of the newest whole checkpoint.
    public var checkpointStep: Int?
    /// The coordinator's epoch.
    public var epoch: Int
    /// The exchange rounds of a step.
    public var exchanges: [Round]
    /// All workers that this epoch has seen, by name.
    public var workers: [Worker]
    /// The tables.
    public var tables: [TableSummary]
    /// Every wait, longest first.
    public var waiting: [Wait]
    /// Of those, the one that holds the run up; nil if nothing does.
    public var critical: Wait?
    /// Figures of the last committed step, as the method reports them.
    public var figures: [Figure]
    /// The newest evaluation; nil if nothing was measured yet.
    public var evaluation: Evaluated?
    /// Workers that were found faulty, by name.
    public var quarantine: [Quarantined]
    /// What travels in bulk.
    public var traffic: [Transfer]
    /// Where the time of a step goes, in the order of time.
    public var phases: [Phase]

    enum CodingKeys: String, CodingKey {
        case run, state, detail, step, steps, recorded, loss, epoch, exchanges, workers, tables,
            waiting
        case figures, evaluation, traffic, phases, quarantine, critical
        case etaSeconds = "eta_seconds"
        case samplesPerSecond = "samples_per_second"
        case checkpointStep = "checkpoint_step"
    }
}
