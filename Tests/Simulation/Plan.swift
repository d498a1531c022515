import CoordinatorCore
import Identity
import Messages
import Optimizers

/// What a seed decides before anything happens: the run, the cluster, and which faults meet it.
struct Plan {
    /// The seed.
    let seed: UInt64
    /// Slices of a step.
    let slices: Int
    /// Answer groups of every round.
    let groups: [Range<Int>]
    /// Exchange rounds.
    let rounds: Int
    /// Steps of the run.
    let steps: Int
    /// Samples of a step; fewer than slices leave some empty.
    let batch: Int
    /// Samples of the last step.
    let lastBatch: Int
    /// Workers, and slots of each.
    let slots: [Int]
    /// Gradient nodes that may be on their way or kept.
    let credits: Int
    /// The least time of a message under way.
    let latency: Nanoseconds
    /// Time that one part of a slice takes.
    let computeTime: Nanoseconds
    /// Time between checkpoints.
    let checkpointEvery: Nanoseconds
    /// How long faults happen.
    let faultTime: Nanoseconds
    /// The mean time between two faults.
    let faultEvery: Nanoseconds
    /// The faults that happen, each as often as it is likely.
    let faults: [Fault]
    /// Bytes that a connection takes from a writer before the reader has them.
    let bytesUnderWayMax: Int
    /// The worker that holds the data shards of every second slice alone; nil if all hold all.
    let partialWorker: Int?
    /// Chance for everything that happens.
    let chance: Chance
    /// The same for what came later.
    let newerChance: Chance

    /// After the faults the run must end within this time.
    static let healedTimeMax = Nanoseconds.seconds(150)

    /// Workers that run have heard of the end by then.
    static let endHeardMax = Nanoseconds.seconds(40)

    /// The plan of a seed.
    init(seed: UInt64, isFaulty: Bool = true) {
        var chance = Chance(seed: seed)
        self.seed = seed
        slices =
            switch chance.below(10) {
            case ..<2: 1 + chance.below(3)
            case 9: 9 + chance.below(7)
            default: 2 + chance.below(7)
            }
        let size = 1 + chance.below(slices)
        let slices = slices
        groups = stride(from: 0, to: slices, by: size).map { $0..<min(slices, $0 + size) }
        rounds = [0, 1, 1, 1, 2][chance.below(5)]
        steps = 3 + chance.below(4)
        batch = chance.happens(20) ? 1 + chance.below(slices) : slices * 2
        lastBatch = chance.happens(30) ? 1 + chance.below(batch) : batch
        let workers = [1, 1, 2, 2, 3, 3, 4][chance.below(7)]
        slots = (0..<workers).map { _ in 1 + chance.below(2) }
        credits = 1 + chance.below(12)
        latency = chance.time(.milliseconds(1)...(.milliseconds(8)))
        computeTime = chance.time(.milliseconds(20)...(.milliseconds(160)))
        checkpointEvery = chance.time(.milliseconds(150)...(.milliseconds(1500)))
        faultTime = isFaulty ? chance.time(.seconds(3)...(.seconds(12))) : 0
        faultEvery = chance.time(.milliseconds(80)...(.milliseconds(900)))
        let first = Plan.draw(Fault.allCases.filter { !$0.isNewer }, &chance)
        self.chance = chance.split()
        // What came later is drawn apart, so that most seeds go on meaning what they meant.
        var newer = Chance(seed: Chance.mixed(seed))
        faults =
            (first.isEmpty ? [.linkCut] : first)
            + Plan.draw(Fault.allCases.filter { $0.isNewer }, &newer)
        bytesUnderWayMax = newer.happens(70) ? 256 << 10 : 2 << 10 + newer.below(8 << 10)
        newerChance = newer.split()
        // Once more drawn apart.
        var newest = Chance(seed: ~Chance.mixed(seed))
        partialWorker = workers > 1 && newest.happens(30) ? newest.below(workers) : nil
    }

    /// The data shards that a worker names: slice s needs shard s.
    func shardsHeld(by worker: Int) -> [UInt32] {
        worker == partialWorker
            ? (0..<UInt32(slices)).filter { $0.isMultiple(of: 2) } : []
    }

    /// Of every slice the data shards that it needs.
    var shardsNeeded: [[UInt32]] { (0..<UInt32(slices)).map { [$0] } }

    /// Which of these faults happen, each as often as it is likely.
    private static func draw(_ kinds: [Fault], _ chance: inout Chance) -> [Fault] {
        var faults: [Fault] = []
        for kind in kinds where chance.happens(kind.likelihood) {
            faults += Array(repeating: kind, count: 1 + chance.below(3))
        }
        return faults
    }

    /// Whether one start of the coordinator sees the whole run.
    var keepsCoordinator: Bool {
        !faults.contains {
            switch $0 {
            case .coordinatorKill, .powerCut, .powerCutAtOperation, .operatorStop, .ioError,
                .diskFull, .sliceError:
                true
            default: false
            }
        }
    }

    /// Samples of a step.
    func samples(of step: Int) -> Int { step == steps - 1 ? lastBatch : batch }

    /// The gradient tree of a step.
    func tree(of step: Int) -> GradientTree {
        GradientTree(sliceCount: slices, batch: samples(of: step))
    }

    /// The tasks of a step; none past the last one.
    func tasks(of step: Int) -> [SliceTask] {
        guard step < steps else { return [] }
        let samples = samples(of: step)
        return (0..<slices).map { slice in
            let rows = (slice * samples / slices)..<((slice + 1) * samples / slices)
            return SliceTask(
                step: StepNumber(step), slice: SliceNumber(slice), dataEpoch: 0,
                stepSamples: UInt32(samples), samples: rows.map { UInt32(step * batch + $0) })
        }
    }

    /// What the machine of one start of the coordinator knows.
    func settings(epoch: UInt32) -> MachineSettings {
        MachineSettings(
            runName: "simulated", epoch: epoch, runFile: "", configDigest: Plan.config,
            dataDigest: Plan.data, fingerprint: Plan.fingerprint, seed: seed, steps: steps,
            slices: slices, shardCount: slices, groups: Array(repeating: groups, count: rounds),
            rounds: (0..<rounds).map { "round \($0)" }, heartbeat: .milliseconds(250),
            leaseTerm: .seconds(1), hangTerm: .seconds(6), disputeTerm: .seconds(2),
            helloTerm: .seconds(2),
            checkpointEvery: checkpointEvery.duration, bodyBytesMax: 1 << 20,
            nodeCredits: credits, strangersMax: 8, workersMax: 16)
    }

    static let config = sha256("run file")
    static let data = sha256("data")
    static let fingerprint = sha256("fingerprint")
}
