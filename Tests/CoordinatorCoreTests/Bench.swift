import CoordinatorCore
import Identity
import Messages

/// Digests of the bench's run.
let runConfig = sha256("config")
let runData = sha256("data")
let runFingerprint = sha256("fingerprint")

/// Digest of the version with which a step is computed.
func versionDigest(_ step: Int) -> Digest { sha256("version \(step)") }

/// Digest of a slice's result, or of its input to a round.
func leafDigest(_ step: Int, _ slice: Int) -> Digest { sha256("leaf \(step) \(slice)") }
func inputDigest(_ step: Int, _ slice: Int) -> Digest { sha256("input \(step) \(slice)") }

/// Settings of a small run: `rounds` exchange rounds, each with the given groups.
func benchSettings(
    steps: Int = 3, slices: Int = 4, groups: [Range<Int>]? = nil, rounds: Int = 1,
    credits: Int = 32
) -> MachineSettings {
    MachineSettings(
        runName: "bench", epoch: 7, runFile: "steps: \(steps)", configDigest: runConfig,
        dataDigest: runData, fingerprint: runFingerprint, seed: 42, steps: steps, slices: slices,
        groups: Array(repeating: groups ?? [0..<slices], count: rounds),
        rounds: (0..<rounds).map { "round\($0)" }, bodyBytesMax: 1 << 30, nodeCredits: credits,
        strangersMax: 4, workersMax: 8)
}

/// The tasks of a step in which slice s has two samples, or none if it is in `empty`.
func tasks(
    step: Int, slices: Int, empty: Set<Int> = [], dataEpoch: Int = 0
) -> [SliceTask] {
    (0..<slices).map { slice in
        SliceTask(
            step: StepNumber(step), slice: SliceNumber(slice), dataEpoch: UInt64(dataEpoch),
            stepSamples: UInt32(2 * (slices - empty.count)),
            samples: empty.contains(slice) ? [] : [UInt32(2 * slice), UInt32(2 * slice + 1)])
    }
}

/// A worker as the bench sees it.
struct BenchWorker {
    var name: String
    var control: ConnectionID
    var bulk: ConnectionID
    var incarnation: Incarnation
}

/// A machine with a clock, and a shell that carries tensor effects out at once unless told not to.
struct Bench {
    var machine: StepMachine
    var now = Moment(nanoseconds: 1_000_000_000)
    var empty: Set<Int> = []
    /// Of every slice the data shards that it needs; empty where each needs all.
    var shards: [[UInt32]] = []
    /// Steps of a pass over the data.
    var stepsPerEpoch = Int.max
    /// Kinds of effects that the test itself carries out.
    var holdsAnswers = false
    var holdsCommits = false
    var holdsCheckpoints = false
    var holdsOpenings = false
    /// Digest of every version's averages.
    let averages: Digest
    private var connections: UInt64 = 0
    private var requests: UInt64 = 0

    init(
        _ settings: MachineSettings = benchSettings(), prepared: Bool = true,
        averages: Digest = .zero
    ) {
        machine = StepMachine(settings: settings)
        self.averages = averages
        if prepared { give(.prepared(committed: StepNumber(0), recorded: StepNumber(0))) }
    }

    // MARK: Events

    /// Gives an event, carries out what follows, and returns all effects in order.
    @discardableResult
    mutating func give(_ event: Event) -> [Effect] {
        var all: [Effect] = []
        var events = [event]
        while !events.isEmpty {
            let effects = machine.handle(events.removeFirst(), at: now)
            let faults = machine.checkInvariants()
            precondition(faults.isEmpty, "\(faults)")
            all += effects
            events += effects.compactMap(outcome)
        }
        return all
    }

    private func outcome(of effect: Effect) -> Event? {
        switch effect {
        case .openStep(let step): holdsOpenings ? nil : .stepOpened(opened(step.index))
        case .answerGroup(let step, let round, let group, _):
            holdsAnswers ? nil : .groupAnswered(step, round: round, group: group)
        case .commit(let step, _): holdsCommits ? nil : .committed(step)
        case .checkpoint(let committed):
            holdsCheckpoints ? nil : .checkpointed(committed: committed)
        case .close(let id): .closed(id)
        default: nil
        }
    }

    func opened(_ step: Int) -> OpenedStep {
        let slices = machine.settings.slices
        return OpenedStep(
            step: StepNumber(step), version: versionDigest(step), averages: averages,
            tasks: tasks(
                step: step, slices: slices, empty: empty, dataEpoch: step / stepsPerEpoch),
            nextTasks: step + 1 < machine.settings.steps
                ? tasks(
                    step: step + 1, slices: slices, empty: empty,
                    dataEpoch: (step + 1) / stepsPerEpoch) : [], shards: shards)
    }

    /// Time passes in ticks of 100 ms; `beat` sends every given worker's heartbeat before each.
    @discardableResult
    mutating func wait(_ seconds: Double, beating workers: [BenchWorker] = []) -> [Effect] {
        var all: [Effect] = []
        for _ in 0..<Int((seconds * 10).rounded()) {
            now = now + .milliseconds(100)
            for worker in workers { all += ask(worker, .heartbeat(Heartbeat(slots: []))) }
            all += give(.tick)
        }
        return all
    }

    // MARK: Peers

    mutating func connect(ticket: UInt64? = nil) -> ConnectionID {
        connections += 1
        let id = ConnectionID(connections)
        give(.connected(id, peer: "10.0.0.1:\(connections)", ticket: ticket ?? 1000 + connections))
        return id
    }

    mutating func nextRequest() -> RequestID {
        requests += 1
        return RequestID(rawValue: requests)
    }

    /// A request on a connection, under an incarnation.
    mutating func request(
        _ id: ConnectionID, _ request: Request,
        as incarnation: Incarnation = Incarnation(rawValue: 0)
    ) -> [Effect] {
        give(.request(id, nextRequest(), incarnation, request))
    }

    /// A worker's request, on its control connection or on its bulk one.
    @discardableResult
    mutating func ask(_ worker: BenchWorker, _ request: Request, onBulk: Bool = false) -> [Effect] {
        self.request(onBulk ? worker.bulk : worker.control, request, as: worker.incarnation)
    }

    func hello(_ name: String, role: PeerRole = .worker, process: UInt32 = 1) -> Hello {
        Hello(
            role: role, name: name, host: "host", processID: process, programVersion: "1",
            features: 0, bodyBytesMax: 1 << 30, slots: 4, fingerprint: runFingerprint,
            configDigest: .zero, dataDigest: .zero)
    }

    /// A connection that has greeted and says hello: what the machine answered.
    mutating func sayHello(_ hello: Hello) -> (id: ConnectionID, effects: [Effect]) {
        let id = connect()
        _ = request(id, .greet(greet))
        return (id, request(id, .hello(hello)))
    }

    var greet: Greet {
        Greet(minorLowest: 0, minorHighest: 0, nonce: Array(repeating: 0, count: 16))
    }
    func ready(shards: [UInt32] = []) -> Request {
        .ready(Ready(configDigest: runConfig, dataDigest: runData, shards: shards))
    }

    /// A worker that has joined, attached a bulk connection and, if wanted, said ready.
    mutating func join(
        _ name: String, process: UInt32 = 1, isReady: Bool = true, shards: [UInt32] = []
    ) -> BenchWorker {
        let (control, effects) = sayHello(hello(name, process: process))
        let welcome = effects.welcome
        precondition(welcome != nil, "worker \(name) was refused: \(effects)")
        let bulk = connect()
        _ = request(bulk, .attach(Attach(ticket: welcome?.ticket ?? 0)))
        let worker = BenchWorker(
            name: name, control: control, bulk: bulk,
            incarnation: welcome?.incarnation ?? Incarnation(rawValue: 0))
        if isReady { ask(worker, ready(shards: shards)) }
        return worker
    }

    // MARK: A worker's work

    /// Asks for a lease; the slice that was leased at once, if one was.
    mutating func lease(_ worker: BenchWorker) -> Int? {
        ask(worker, .requestLease(RequestLease(slot: 0))).leases.first?.task.slice.index
    }

    @discardableResult
    mutating func exchange(
        _ worker: BenchWorker, step: Int, slice: Int, round: Int = 0, digest: Digest? = nil
    ) -> [Effect] {
        ask(
            worker,
            .exchange(
                Exchange(
                    step: StepNumber(step), slice: SliceNumber(slice), round: UInt16(round),
                    digest: digest ?? inputDigest(step, slice))), onBulk: true)
    }

    @discardableResult
    mutating func offer(_ worker: BenchWorker, step: Int, _ node: Range<Int>) -> [Effect] {
        ask(
            worker,
            .offerNode(
                OfferNode(
                    step: StepNumber(step), node: SliceRange(node.lowerBound, node.upperBound),
                    byteCount: 1000)))
    }

    @discardableResult
    mutating func deliver(
        _ worker: BenchWorker, step: Int, _ node: Range<Int>, digest: Digest? = nil
    ) -> [Effect] {
        let leaves = node.filter { !empty.contains($0) }.map { slice in
            Leaf(
                slice: SliceNumber(slice), digest: digest ?? leafDigest(step, slice),
                isFinite: true, computeMilliseconds: 5)
        }
        return ask(
            worker,
            .deliverNode(
                DeliverNode(
                    step: StepNumber(step), node: SliceRange(node.lowerBound, node.upperBound),
                    leaves: leaves)), onBulk: true)
    }

    /// A slice from exchange to delivery, without waiting for anything between.
    @discardableResult
    mutating func complete(_ worker: BenchWorker, step: Int, slice: Int) -> [Effect] {
        var all: [Effect] = []
        for round in machine.settings.rounds.indices {
            all += exchange(worker, step: step, slice: slice, round: round)
        }
        all += offer(worker, step: step, slice..<slice + 1)
        all += deliver(worker, step: step, slice..<slice + 1)
        return all
    }

    /// A whole step by one worker: all leases, all inputs, all nodes.
    @discardableResult
    mutating func makeStep(_ worker: BenchWorker, _ step: Int) -> [Effect] {
        var all: [Effect] = []
        var slices: [Int] = []
        while slices.count < machine.settings.slices - empty.count, let slice = lease(worker) {
            slices.append(slice)
        }
        for round in machine.settings.rounds.indices {
            for slice in slices { all += exchange(worker, step: step, slice: slice, round: round) }
        }
        for slice in slices.sorted() {
            all += offer(worker, step: step, slice..<slice + 1)
            all += deliver(worker, step: step, slice..<slice + 1)
        }
        return all
    }
}
