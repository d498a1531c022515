public import Identity

/// What the machine knows from the run file and its options.
public struct MachineSettings: Hashable, Sendable {
    /// The run's name, for greetings and status.
    public var runName: String
    /// The coordinator's epoch: one start on a state directory.
    public var epoch: UInt32
    /// The run file as resolved, sent to workers.
    public var runFile: String
    /// Digest of its *bits* keys.
    public var configDigest: Digest
    /// Digest of the data set.
    public var dataDigest: Digest
    /// The numerics fingerprint of this run.
    public var fingerprint: Digest
    /// The run's seed.
    public var seed: UInt64
    /// Steps after which this start ends: the run's, or fewer (`--steps`).
    public var steps: Int
    /// Slices of a step.
    public var slices: Int
    /// Shards of the data set.
    public var shardCount: Int
    /// Answer groups of every exchange round: aligned runs of slices that cover the step, in order.
    public var groups: [[Range<Int>]]
    /// Names of the exchange rounds.
    public var rounds: [String]
    /// Time between heartbeats that workers are asked for.
    public var heartbeat: Duration
    /// A worker without a sign of life for so long is lost; a slice without progress for so long
    /// is overdue, and an idle worker may get it too.
    public var leaseTerm: Duration
    /// A worker that gives signs of life, but whose slice has not moved for so long, hangs: it is
    /// lost, so that a single worker's other slots get the slice.
    public var hangTerm: Duration
    /// A disputed slice is kept for another worker for so long; then those that computed it compute
    /// it again.
    public var disputeTerm: Duration
    /// A connection that has not said hello (or attached) after so long is closed.
    public var helloTerm: Duration
    /// Time between checkpoints, in stepping time.
    public var checkpointEvery: Duration
    /// Largest message body that is taken, in bytes.
    public var bodyBytesMax: UInt64
    /// The message body of a version, in bytes: a worker must be able to take it.
    public var versionBytes: UInt64
    /// Gradient nodes that may be on their way or kept at a time; at least two more than the
    /// gradient tree is high are allowed whatever stands here, since fewer could wait for ever.
    public var nodeCredits: Int
    /// Connections that have not said hello, at most.
    public var strangersMax: Int
    /// Of those, from one address at most.
    public var strangersPerAddressMax: Int
    /// Workers at most.
    public var workersMax: Int
    /// A bug that the simulation has planted; nobody else can.
    package var flaw: Flaw?
    /// Whose tokens a hello must prove; nil if none are asked for.
    public var authority: TokenAuthority?

    /// Settings with these values; bounds have defaults.
    public init(
        runName: String, epoch: UInt32, runFile: String, configDigest: Digest,
        dataDigest: Digest, fingerprint: Digest, seed: UInt64, steps: Int, slices: Int,
        shardCount: Int = 1, groups: [[Range<Int>]], rounds: [String],
        heartbeat: Duration = .milliseconds(250),
        leaseTerm: Duration = .seconds(3), hangTerm: Duration = .seconds(150),
        disputeTerm: Duration = .seconds(30),
        helloTerm: Duration = .seconds(5), checkpointEvery: Duration = .seconds(30),
        bodyBytesMax: UInt64, versionBytes: UInt64 = 0, nodeCredits: Int = 32,
        strangersMax: Int = 64, strangersPerAddressMax: Int = 8, workersMax: Int = 1024,
        authority: TokenAuthority? = nil
    ) {
        self.runName = runName
        self.epoch = epoch
        self.runFile = runFile
        self.configDigest = configDigest
        self.dataDigest = dataDigest
        self.fingerprint = fingerprint
        self.seed = seed
        self.steps = steps
        self.slices = slices
        self.shardCount = shardCount
        self.groups = groups
        self.rounds = rounds
        self.heartbeat = heartbeat
        self.leaseTerm = leaseTerm
        self.hangTerm = hangTerm
        self.disputeTerm = disputeTerm
        self.helloTerm = helloTerm
        self.checkpointEvery = checkpointEvery
        self.bodyBytesMax = bodyBytesMax
        self.versionBytes = versionBytes
        self.nodeCredits = nodeCredits
        self.strangersMax = strangersMax
        self.strangersPerAddressMax = strangersPerAddressMax
        self.workersMax = workersMax
        self.authority = authority
    }
}
