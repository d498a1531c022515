/// The parts of a run file that every run has, whatever its method.
///
/// The sections `network`, `views` and the one named like the method are left to their owners.
public struct RunSettings: Hashable, Sendable {
    /// The run's name for people, a free key; the method's unless given.
    public var name: String
    /// The method's name.
    public var method: String
    /// The seed of every random number of the run.
    public var seed: UInt64
    /// Steps of the whole run; the schedule is laid out over them.
    public var steps: Int
    /// What is trained on.
    public var data: DataSettings
    /// How samples are chosen for slices.
    public var sampling: SamplingKind
    /// How a step's samples are cut.
    public var batch: BatchSettings
    /// How parameters are updated.
    public var optimizer: OptimizerSettings
    /// How the learning rate moves.
    public var schedule: ScheduleSettings
    /// What gradients are rounded to on their way up the gradient tree.
    public var gradients: GradientKind
    /// When checkpoints are written, in free keys.
    public var checkpoint: CheckpointSettings
    /// What is measured on the way, in free keys.
    public var evaluate: EvaluateSettings
    /// How the coordinator treats its workers, in free keys.
    public var coordinator: CoordinatorSettings

    /// An exchange is answered for the smallest aligned run of slices with so many samples.
    public var answerGroupSamples: Int { batch.answerGroupSamples }

    /// Reads the common parts; mistakes are recorded in the document of `root`.
    ///
    /// - Parameters:
    ///   - root: the root section of a document.
    ///   - methods: the names of the methods there are.
    public init(from root: Section, methods: [String]) {
        method = root.choice("method", from: methods)
        name = root.string("name", default: method, .free)
        seed = root.unsigned("seed", default: 0)
        steps = root.int("steps", in: 1...1_000_000_000)
        data = DataSettings(from: root.sub("data"))
        sampling = root.choice("sampling", default: .global, .later)
        batch = BatchSettings(from: root.sub("batch"))
        optimizer = OptimizerSettings(from: root.sub("optimizer"))
        schedule = ScheduleSettings(from: root.sub("schedule"), steps: steps)
        gradients = root.choice("gradients", default: .f32)
        checkpoint = CheckpointSettings(from: root.sub("checkpoint"))
        evaluate = EvaluateSettings(from: root.sub("evaluate"))
        coordinator = CoordinatorSettings(from: root.sub("coordinator"))
    }
}

/// How samples are chosen for slices.
public enum SamplingKind: String, CaseIterable, Hashable, Sendable {
    /// All samples are permuted: every worker needs every shard.
    case global
    /// Shards are dealt out to slices: a slice needs its own alone.
    case sharded
}

/// What gradients are rounded to, and so what of them travels.
public enum GradientKind: String, CaseIterable, Hashable, Sendable {
    /// Nothing is rounded: four bytes a number.
    case f32
    /// Every node of the gradient tree is rounded to bf16: two bytes a number.
    case bf16
}

/// The section `batch`: how a step's samples are chosen and cut.
public struct BatchSettings: Hashable, Sendable {
    /// Samples of a step.
    public var samples: Int
    /// Slices of a step: the unit of work, of leasing and of recovery.
    ///
    /// At most 4,096: every lease looks at all of them.
    public var slices: Int
    /// Whether the samples that are left over at the end of a data epoch are dropped.
    public var dropLast: Bool
    /// An exchange is answered for the smallest aligned run of slices with so many samples.
    public var answerGroupSamples: Int

    init(from section: Section) {
        samples = section.int("samples", in: 1...1_048_576)
        slices = section.int("slices", in: 1...4096)
        dropLast = section.bool("dropLast", default: true)
        answerGroupSamples = section.int("answerGroupSamples", in: 1...1_048_576, default: 128)
        if slices > samples {
            section.reject(
                "slices", "\(slices) slices of \(samples) samples: some would be empty",
                allowed: "at most one slice for each sample")
        }
    }
}

/// The section `optimizer`: how parameters are updated.
public struct OptimizerSettings: Hashable, Sendable {
    /// The update rule.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Adam with decoupled weight decay.
        case adamw
        /// Stochastic gradient descent with momentum.
        case sgd
    }

    /// The update rule.
    public var kind: Kind
    /// The learning rate at the schedule's peak.
    public var learningRate: Double
    /// Weight decay: decoupled for AdamW, added to the gradient for SGD.
    public var weightDecay: Double
    /// Whether weight decay applies to norms and biases too, as in the reference run.
    public var decaysNormsAndBiases: Bool
    /// SGD's momentum; 0 for AdamW.
    public var momentum: Double
    /// AdamW's first decay rate; unused by SGD.
    public var beta1: Double
    /// AdamW's second decay rate; unused by SGD.
    public var beta2: Double
    /// AdamW's term against division by zero; unused by SGD.
    public var epsilon: Double
    /// The greatest norm of the whole gradient; 0 for no clipping.
    public var clipNorm: Double
    /// What becomes of a step whose gradient is not finite on whoever computes it.
    public var onNotFinite: NotFiniteRule

    init(from section: Section) {
        kind = section.choice("kind", default: .adamw)
        let isAdamW = kind == .adamw
        learningRate = section.float("learningRate", in: 0...100, default: isAdamW ? 0.001 : 0.1)
        weightDecay = section.float("weightDecay", in: 0...10, default: isAdamW ? 0.05 : 0.0005)
        decaysNormsAndBiases = section.bool("decaysNormsAndBiases", default: true)
        (momentum, beta1, beta2, epsilon) = (0, 0.9, 0.999, 1e-8)
        switch kind {
        case .adamw:
            beta1 = section.float("beta1", in: 0...0.999_999, default: 0.9)
            beta2 = section.float("beta2", in: 0...0.999_999_9, default: 0.999)
            epsilon = section.positiveFloat("epsilon", upTo: 1, default: 1e-8)
        case .sgd:
            momentum = section.float("momentum", in: 0...0.999_999, default: 0.9)
        }
        clipNorm = section.float("clipNorm", in: 0...1_000_000, default: 0)
        onNotFinite = section.choice("onNotFinite", default: .stop)
    }
}

/// The section `checkpoint`: when checkpoints are written, in free keys.
public struct CheckpointSettings: Hashable, Sendable {
    /// Stepping time between two checkpoints.
    public var every: Duration
    /// Checkpoints that are kept, the newest ones.
    public var keep: Int
    /// Bytes of table rows that are copied at most while a checkpoint is written, so that training
    /// goes on beside it; past it a step waits for the disk.
    public var copyBudget: Int

    /// 1 GiB: what a table of 1,000,000 x 512 with momentum needs that moves by a tenth in a step
    /// and is written in a dozen.
    public static let copyBudgetDefault = 1 << 30

    init(from section: Section) {
        every = section.duration(
            "every", in: .milliseconds(10)...(.seconds(86_400)), default: .seconds(30), .free)
        keep = section.int("keep", in: 2...1000, default: 2, .free)
        copyBudget = section.byteCount(
            "copyBudget", in: 0...(1 << 40), default: Self.copyBudgetDefault, .free)
    }
}

/// The section `evaluate`: what is measured on the way, in free keys.
public struct EvaluateSettings: Hashable, Sendable {
    /// A checkpoint is evaluated once so many steps were made since the one evaluated before it;
    /// 0 for none.
    public var every: Int
    /// Whether the first checkpoint after each data epoch is evaluated, in place of `every`.
    public var everyEpoch: Bool
    /// Whether the linear probe is measured beside the nearest neighbours.
    public var linear: Bool

    init(from section: Section) {
        every = section.int("every", in: 0...1_000_000_000, default: 0, .free)
        everyEpoch = section.bool("everyEpoch", default: false, .free)
        linear = section.bool("linear", default: false, .free)
        if every > 0, everyEpoch {
            section.reject(
                "everyEpoch", "checkpoints are evaluated every \(every) steps already",
                allowed: "every or everyEpoch")
        }
    }

    /// Whether anything is evaluated on the way.
    public var isOn: Bool { every > 0 || everyEpoch }

    /// Whether the model after `step` steps is evaluated, the last one that was being that after
    /// `last`.
    ///
    /// - Parameter stepsPerDataEpoch: steps in which the data are gone through once.
    public func isDue(step: Int, after last: Int, stepsPerDataEpoch: Int) -> Bool {
        everyEpoch
            ? step / stepsPerDataEpoch > last / stepsPerDataEpoch
            : every > 0 && step >= last + every
    }
}

/// The section `coordinator`: how the coordinator treats its workers, in free keys.
public struct CoordinatorSettings: Hashable, Sendable {
    /// Where it listens, unless the command line says otherwise.
    public var listen: String
    /// Time between heartbeats that workers are asked for.
    public var heartbeat: Duration
    /// A worker without a sign of life for so long is lost; a slice without progress for so long is
    /// leased to an idle worker as well.
    public var leaseTerm: Duration
    /// A worker whose slice has made no progress for so long is lost, though its heartbeats go on.
    public var hangTerm: Duration
    /// A slice whose result is disputed is kept for another worker for so long.
    public var disputeTerm: Duration
    /// A connection that has not said hello after so long is closed.
    public var helloTerm: Duration
    /// Gradient nodes that may be on their way or kept at a time.
    public var nodeCredits: Int
    /// Connections that have not said hello, at most.
    public var strangersMax: Int
    /// Of those, from one address at most.
    public var strangersPerAddressMax: Int
    /// Workers at most.
    public var workersMax: Int

    /// How long a worker gives a version or a node to travel: a slice makes no progress meanwhile,
    /// so a worker must not count as hanging before.
    public static let transferMax = Duration.seconds(120)

    init(from section: Section) {
        listen = section.string("listen", default: "tcp://127.0.0.1:4700", .free)
        let hour = Duration.seconds(3600)
        heartbeat = section.duration(
            "heartbeat", in: .milliseconds(10)...(.seconds(60)), default: .milliseconds(250), .free)
        leaseTerm = section.duration(
            "leaseTerm", in: .milliseconds(100)...hour, default: .milliseconds(2500), .free)
        hangTerm = section.duration(
            "hangTerm", in: (Self.transferMax + .seconds(1))...hour,
            default: max(.seconds(150), leaseTerm), .free)
        disputeTerm = section.duration(
            "disputeTerm", in: .milliseconds(100)...hour, default: .seconds(30), .free)
        helloTerm = section.duration(
            "helloTerm", in: .milliseconds(100)...hour, default: .seconds(5), .free)
        nodeCredits = section.int("nodeCredits", in: 1...4096, default: 32, .free)
        strangersMax = section.int("strangersMax", in: 1...4096, default: 64, .free)
        strangersPerAddressMax = section.int(
            "strangersPerAddressMax", in: 1...4096, default: 8, .free)
        workersMax = section.int("workersMax", in: 1...65_536, default: 1024, .free)
        if leaseTerm < heartbeat * 2 {
            section.reject(
                "leaseTerm", "is shorter than two heartbeats", allowed: "at least 2 x heartbeat")
        }
        if hangTerm < leaseTerm {
            section.reject("hangTerm", "is shorter than leaseTerm", allowed: "at least leaseTerm")
        }
    }
}

/// The sections of a run file that a method owns.
public struct RunSections {
    /// The section `network`.
    public let network: Section
    /// The section `views`.
    public let views: Section
    /// The section named like the method.
    public let method: Section

    /// The sections of this document for the method of this name.
    public init(of root: Section, method name: String) {
        network = root.sub("network")
        views = root.sub("views")
        method = root.sub(name)
    }
}
