public import Identity

/// What the coordinator answers.
///
/// Tensors travel beside the fields, as listed with the requests.
public enum Reply: Hashable, Sendable {
    /// To `greet`.
    case greeting(Greeting)
    /// To `hello`.
    case welcome(Welcome)
    /// To `attach`, `ready`, `deliverNode`, `heartbeat`, `returnLease`, `goodbye`: heard.
    case accepted
    /// To `requestLease`.
    case lease(Lease)
    /// To `fetchVersion`, with the tensors.
    case version(FetchVersion)
    /// To `exchange`, with the method's tensors.
    case answer(ExchangeAnswer)
    /// To `offerNode`.
    case verdict(NodeVerdict)
    /// To `status`: a JSON document in UTF-8.
    case status(String)
    /// To any request: it was refused, or failed.
    case refused(Refusal)
}

/// What the coordinator sends unasked, on a worker's control connection.
public enum Push: Hashable, Sendable {
    /// Stop work on a slice: somebody else's result counts.
    case abandon(StepNumber, SliceNumber)
    /// The run ends for this worker.
    case over(RunOver)
}

/// The coordinator's half of the greeting.
public struct Greeting: Hashable, Sendable {
    /// The protocol minor that both speak.
    public var minor: UInt8
    /// The coordinator's epoch.
    public var epoch: UInt32
    /// Sixteen random bytes, fresh for each connection: what proves a side covers them.
    public var nonce: [UInt8]
    /// A greeting with these facts.
    public init(minor: UInt8, epoch: UInt32, nonce: [UInt8]) {
        self.minor = minor
        self.epoch = epoch
        self.nonce = nonce
    }
}

/// A peer was taken in.
public struct Welcome: Hashable, Sendable {
    /// Its incarnation; every later frame carries it.
    public var incarnation: Incarnation
    /// Opens bulk connections.
    public var ticket: UInt64
    /// Milliseconds between heartbeats.
    public var heartbeatMilliseconds: UInt32
    /// Largest message body that the coordinator accepts, in bytes.
    public var bodyBytesMax: UInt64
    /// The run file as resolved: every key with its value.
    public var runFile: String
    /// Digest of the run's *bits* keys.
    public var configDigest: Digest
    /// Digest of the run's data.
    public var dataDigest: Digest
    /// Shows that the coordinator knows the peer's token; zero where no tokens are asked for.
    public var code: Digest
    /// A welcome with these facts.
    public init(
        incarnation: Incarnation, ticket: UInt64, heartbeatMilliseconds: UInt32,
        bodyBytesMax: UInt64, runFile: String, configDigest: Digest, dataDigest: Digest,
        code: Digest = .zero
    ) {
        self.incarnation = incarnation
        self.ticket = ticket
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.bodyBytesMax = bodyBytesMax
        self.runFile = runFile
        self.configDigest = configDigest
        self.dataDigest = dataDigest
        self.code = code
    }

    /// What its code covers beside the nonces.
    public var facts: WelcomeFacts {
        WelcomeFacts(
            incarnation: incarnation.rawValue, ticket: ticket, configDigest: configDigest,
            dataDigest: dataDigest, runFile: runFile)
    }
}

/// A slice with all that its computation depends on.
public struct SliceTask: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The slice.
    public var slice: SliceNumber
    /// The pass over the data in which the step lies, counted from 0.
    public var dataEpoch: UInt64
    /// Samples of the whole step: the divisor of means.
    public var stepSamples: UInt32
    /// Indices of the slice's samples in the data set, in order.
    public var samples: [UInt32]
    /// A task with these facts.
    public init(
        step: StepNumber, slice: SliceNumber, dataEpoch: UInt64, stepSamples: UInt32,
        samples: [UInt32]
    ) {
        self.step = step
        self.slice = slice
        self.dataEpoch = dataEpoch
        self.stepSamples = stepSamples
        self.samples = samples
    }
}

/// A slice handed to a worker until it delivers, leaves, or is lost.
public struct Lease: Hashable, Sendable {
    /// What to compute.
    public var task: SliceTask
    /// Digest of the version to compute it with.
    public var version: Digest
    /// Digest of the version's averages, by which a worker checks those that it derives, and by
    /// which it fetches them otherwise; zero in a method without.
    public var averages: Digest
    /// The run's seed.
    public var seed: UInt64
    /// Slices that this worker is likely to get next; it may load them ahead.
    public var hints: [SliceTask]
    /// A lease with these facts.
    public init(
        task: SliceTask, version: Digest, averages: Digest = .zero, seed: UInt64,
        hints: [SliceTask]
    ) {
        self.task = task
        self.version = version
        self.averages = averages
        self.seed = seed
        self.hints = hints
    }
}

/// Names the exchange that is answered.
public struct ExchangeAnswer: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The slice.
    public var slice: SliceNumber
    /// The round.
    public var round: UInt16
    /// The answer to a slice's input to a round.
    public init(step: StepNumber, slice: SliceNumber, round: UInt16) {
        self.step = step
        self.slice = slice
        self.round = round
    }
}

/// Whether an offered node is wanted.
public enum NodeVerdict: UInt8, Hashable, Sendable, CaseIterable {
    /// Send it: this is the credit.
    case send = 1
    /// Drop it: the coordinator has it, or the step is over.
    case drop = 2
}

/// Why the run is over for a worker.
public enum OverReason: UInt8, Hashable, Sendable, CaseIterable {
    /// All steps are made.
    case done = 1
    /// The coordinator closes on purpose; the run is not done.
    case closing = 2
    /// The run failed.
    case failed = 3
}

/// The end of the run for a worker.
public struct RunOver: Hashable, Sendable {
    /// Why.
    public var reason: OverReason
    /// A sentence for people.
    public var detail: String
    /// An end of the run.
    public init(reason: OverReason, detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// A refusal: a row of the error catalogue and what it was about.
public struct Refusal: Hashable, Sendable, Error {
    /// The row.
    public var code: ErrorCode
    /// What exactly was wrong.
    public var detail: String
    /// A refusal with its facts.
    public init(_ code: ErrorCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
