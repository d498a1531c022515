import CoordinatorCore
import Identity
import Messages
import Optimizers
import Storage

/// What may happen in a walk besides work.
struct WalkFaults {
    var kills = true
    var errorsMax = 2
    var lies = false
    /// Worker 0 computes wrong now and then: inputs that differ, results that are not finite.
    var isFirstFaulty = false
    var stops = false
    var restarts = true
}

/// A simulated world around the machine: model workers, a model shell, links with delays.
///
/// A seed decides everything. After every event the machine's invariants and the shell's
/// expectations are checked.
struct Walk {
    /// What travels from a peer to the coordinator.
    enum Up {
        case request(RequestID, Incarnation, Request, UInt64)
        case closed
    }

    let seed: UInt64
    let faults: WalkFaults
    var random: SplitMix64
    var settings: MachineSettings
    var machine: StepMachine
    var shell: WalkShell
    var workers: [WalkWorker]
    var up: [ConnectionID: [Up]] = [:]
    var down: [ConnectionID: [Effect]] = [:]
    /// Connections of peers that are no workers.
    var strangers: [ConnectionID] = []
    var now = Moment(nanoseconds: 5_000_000_000)
    var connections: UInt64 = 0
    var strayRequests: UInt64 = 1 << 40
    var saved = 0
    var errors = 0
    var stepsSeen = -1
    var isFaulty = true
    var stopAsked = false
    var isPaused = false
    /// Lease requests that reached the machine and have no reply yet.
    var leaseRequests: Set<StagedKey> = []
    var trace: UInt64 = 0xCBF2_9CE4_8422_2325
    var events = 0
    var problems: [String] = []
    let emptySeed: UInt64

    init(seed: UInt64, faults: WalkFaults = WalkFaults()) {
        self.seed = seed
        self.faults = faults
        random = SplitMix64(seed: seed)
        let slices = 1 + random.below(9)
        let size = 1 + random.below(slices)
        let groups = stride(from: 0, to: slices, by: size).map { $0..<min(slices, $0 + size) }
        let rounds = random.below(3)
        settings = MachineSettings(
            runName: "walk", epoch: 1, runFile: "", configDigest: runConfig, dataDigest: runData,
            fingerprint: runFingerprint, seed: 1, steps: 2 + random.below(3), slices: slices,
            groups: Array(repeating: groups, count: rounds),
            rounds: (0..<rounds).map { "r\($0)" }, heartbeat: .milliseconds(250),
            leaseTerm: .seconds(1), hangTerm: .seconds(6),
            disputeTerm: .seconds(2), helloTerm: .seconds(2),
            checkpointEvery: .milliseconds(400), bodyBytesMax: 1 << 20,
            nodeCredits: 1 + random.below(12), strangersMax: 8, workersMax: 16)
        machine = StepMachine(settings: settings)
        let emptySeed = random.next()
        self.emptySeed = emptySeed
        shell = WalkShell(slices: slices) { Walk.empty(in: $0, slices: slices, seed: emptySeed) }
        workers = (0..<((faults.isFirstFaulty ? 3 : 1) + random.below(4))).map {
            WalkWorker(name: "w\($0)", process: 1)
        }
        give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
    }

    /// Slices without samples: some in one step of five.
    static func empty(in step: Int, slices: Int, seed: UInt64) -> Set<Int> {
        var random = SplitMix64(seed: seed &+ UInt64(step))
        guard random.chance(20) else { return [] }
        return Set((1..<max(slices, 1)).filter { _ in random.chance(40) })
    }

    // MARK: Running

    /// Walks until the run is over and all is quiet.
    mutating func run(faultyActions: Int = 600, actionsMax: Int = 40_000) {
        var actions = 0
        while problems.isEmpty {
            if actions == faultyActions { heal() }
            if !isFaulty, shell.over != nil, isQuiet { break }
            if actions == actionsMax {
                let status = machine.status(at: now)
                problems.append("the run does not end: \(status)")
            }
            if !isFaulty, isPaused, !stopAsked { askToStop() }
            act()
            actions += 1
        }
        if problems.isEmpty { checkEnd() }
    }

    private var isQuiet: Bool {
        shell.work.isEmpty && up.values.allSatisfy(\.isEmpty)
    }

    private mutating func heal() {
        isFaulty = false
        for place in workers.indices {
            if workers[place].isStuck, place == 0 || random.chance(50) {
                workers[place].isStuck = false
            }
            if !workers[place].isAlive { start(place) }
        }
        if faults.stops || machine.status(at: now).state == .paused { askToStop() }
    }

    private mutating func checkEnd() {
        if !leaseRequests.isEmpty { problems.append("lease requests have no reply") }
        if !stopAsked, shell.over?.reason != .done { problems.append("the run is not done") }
        if shell.over?.reason != .failed, saved != shell.committed {
            problems.append("the last checkpoint is missing")
        }
    }

    private mutating func act() {
        switch random.below(100) {
        case ..<34: deliverUp()
        case ..<56: deliverDown()
        case ..<76: work(random.below(workers.count))
        case ..<86: shellWorks()
        case ..<96: pass(.milliseconds(20 + random.below(100)))
        default: if isFaulty { fault() } else { pass(.milliseconds(50)) }
        }
    }

    // MARK: The machine

    mutating func give(_ event: Event) {
        var staged: StagedKey?
        if case .request(let id, let request, _, let body) = event {
            let key = StagedKey(connection: id, request: request)
            switch body {
            case .exchange, .deliverNode: staged = key
            case .requestLease: if !shell.closed.contains(id) { leaseRequests.insert(key) }
            default: break
            }
        }
        let effects = machine.handle(event, at: now)
        events += 1
        for effect in effects {
            fold(effect)
            shell.carryOut(effect, groups: settings.groups)
            route(effect)
        }
        if staged != nil, !shell.staged.isEmpty { problems.append("staged tensors have no end") }
        problems += machine.checkInvariants() + shell.faults
        let status = machine.status(at: now)
        if status.step < stepsSeen { problems.append("steps go back") }
        stepsSeen = status.step
        isPaused = status.state == .paused
        if !problems.isEmpty { problems.append("after event \(events): \(event)") }
    }

    /// Puts what is sent on the wire; a closed connection's end reaches both sides.
    private mutating func route(_ effect: Effect) {
        switch effect {
        case .reply(let id, let request, _), .replyStatus(let id, let request),
            .sendVersion(let id, let request, _), .sendAnswer(let id, let request, _):
            leaseRequests.remove(StagedKey(connection: id, request: request))
            down[id, default: []].append(effect)
        case .push(let id, _): down[id, default: []].append(effect)
        case .close(let id):
            leaseRequests = leaseRequests.filter { $0.connection != id }
            down[id, default: []].append(effect)
            up[id, default: []].append(.closed)
        default: break
        }
    }

    func opened(_ step: Int) -> OpenedStep {
        func tasks(_ step: Int) -> [SliceTask] {
            CoordinatorCoreTests.tasks(
                step: step, slices: settings.slices,
                empty: Walk.empty(in: step, slices: settings.slices, seed: emptySeed))
        }
        return OpenedStep(
            step: StepNumber(step), version: versionDigest(step << 16 | shell.doubts),
            tasks: tasks(step),
            nextTasks: step + 1 < settings.steps ? tasks(step + 1) : [])
    }

    private mutating func shellWorks() {
        if let committed = shell.checkpoint, random.chance(30) {
            shell.checkpoint = nil
            saved = committed
            give(.checkpointed(committed: StepNumber(committed)))
        } else if !shell.work.isEmpty {
            let work = shell.work.removeFirst()
            give(shell.finish(work, opened: opened))
        }
    }

    private mutating func pass(_ time: Duration) {
        now = now + time
        for place in workers.indices { beat(place) }
        give(.tick)
    }

    mutating func askToStop() {
        stopAsked = true
        give(.stopRequested("the walk ends it"))
    }

    // MARK: Links

    private mutating func deliverUp() {
        let ready = up.keys.filter { up[$0]?.isEmpty == false }.sorted()
        guard !ready.isEmpty else { return }
        let id = ready[random.below(ready.count)]
        guard let message = up[id]?.removeFirst() else { return }
        switch message {
        case .closed:
            up[id] = nil
            leaseRequests = leaseRequests.filter { $0.connection != id }
            give(.closed(id))
        case .request(let request, let incarnation, let body, let payload):
            switch body {
            case .exchange, .deliverNode:
                shell.staged[StagedKey(connection: id, request: request)] = payload
            default: break
            }
            give(.request(id, request, incarnation, body))
        }
    }

    private mutating func deliverDown() {
        let ready = down.keys.filter { down[$0]?.isEmpty == false }.sorted()
        guard !ready.isEmpty else { return }
        let id = ready[random.below(ready.count)]
        guard let effect = down[id]?.removeFirst() else { return }
        let owner = workers.firstIndex { $0.control == id || $0.bulk == id }
        guard let owner, workers[owner].isAlive else { return }
        if workers[owner].isStuck {
            down[id]?.insert(effect, at: 0)
        } else {
            hear(owner, id, effect)
        }
    }

    mutating func open() -> ConnectionID {
        connections += 1
        let id = ConnectionID(connections)
        give(.connected(id, peer: "peer\(connections)", ticket: connections &* 77))
        return id
    }

    /// A peer closes its end: what it sent before may still arrive, some of it.
    mutating func hangUp(_ id: ConnectionID?) {
        guard let id else { return }
        down[id] = nil
        if let sent = up[id]?.count, sent > 0, random.chance(30) {
            up[id]?.removeLast(random.below(sent + 1))
        }
        up[id, default: []].append(.closed)
    }
}
