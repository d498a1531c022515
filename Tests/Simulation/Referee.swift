import CoordinatorCore
import Identity
import Messages
import Wire
import WorkerCore

/// What must hold after every event, whatever happens (design, section 3).
final class Referee {
    struct Question: Hashable {
        var connection: ConnectionID
        var request: RequestID
    }

    private struct InputKey: Hashable {
        var step: StepNumber
        var slice: SliceNumber
        var round: Int
    }

    private struct Grant: Hashable {
        var worker: Incarnation
        var step: StepNumber
        var node: SliceRange
    }

    /// A request that may wait is answered within this, once faults are over.
    static let answerMax = Nanoseconds.seconds(100)

    let plan: Plan
    /// The run without faults.
    let expected: FaultFreeRun
    /// What did not hold; the first one counts.
    private(set) var problems: [String] = []
    /// Events that the machine took in.
    private(set) var events = 0
    /// Folds everything that was sent, with its time.
    private(set) var traceDigest: UInt64 = 0xCBF2_9CE4_8422_2325
    var open: [Question: Nanoseconds] = [:]
    private var epoch: UInt32 = 0
    private var newest: [String: Incarnation] = [:]
    private var nameOf: [Incarnation: String] = [:]
    private var announced = 0
    /// The step that this start has opened last.
    private var opened: Int?
    /// Records that were in the ledger when this start was looked at last.
    private var recorded = 0
    private var counted: [SliceNumber: StepNumber] = [:]
    private var inputs: Set<InputKey> = []
    private var offers: [Question: Grant] = [:]
    private var grants: Set<Grant> = []
    var healedAt: Nanoseconds?
    var lastMoment: Moment?
    var ticks = 0

    init(plan: Plan) {
        self.plan = plan
        expected = FaultFreeRun(plan)
    }

    /// Something does not hold.
    func fail(_ problem: String) { problems.append(problem) }

    /// Folds a message into the trace.
    func trace(_ message: WireMessage, at time: Nanoseconds) {
        for value in [time, UInt64(message.kind), message.requestID, message.incarnation] {
            traceDigest = (traceDigest ^ value) &* 0x0000_0100_0000_01B3
        }
    }

    // MARK: Starts

    /// A coordinator has taken the state directory.
    func noteStart(of twin: CoordinatorTwin) {
        if twin.directory.epoch <= epoch {
            fail("epoch \(epoch) is followed by \(twin.directory.epoch)")
        }
        epoch = max(epoch, twin.directory.epoch)
        open = [:]
        (newest, counted, inputs, offers, grants) = ([:], [:], [], [:], [])
        (lastMoment, opened, recorded) = (nil, nil, twin.directory.ledgerCount)
    }

    func noteEnd(of twin: CoordinatorTwin) { open = [:] }

    /// A start has read the ledger.
    func noteRecovery(records: Int) {
        if records < announced { fail("\(announced) steps were announced, \(records) are left") }
    }

    func noteHealing(at time: Nanoseconds) { healedAt = time }

    // MARK: The machine

    /// Lets the machine take an event in, and judges what it wants done.
    func judged(
        _ event: Event, by twin: CoordinatorTwin, _ handle: () -> [Effect]
    ) -> [Effect] {
        events += 1
        let now = twin.world.agenda.now
        let gap = gapBefore(twin)
        if case .request(let id, let request, let life, let body) = event, twin.ports[id] != nil {
            let question = Question(connection: id, request: request)
            open[question] = open[question] ?? now
            if case .offerNode(let offer) = body {
                offers[question] = Grant(worker: life, step: offer.step, node: offer.node)
            }
        }
        let effects = handle()
        for effect in effects { judge(effect, of: event, twin) }
        checkRepetitions(effects, twin)
        if case .closed(let id) = event { forget(id) }
        if case .request(let id, let request, _, let body) = event, body.isAnsweredAtOnce,
            open[Question(connection: id, request: request)] != nil, twin.ports[id] != nil
        {
            fail("\(body.kind.name) on \(id) has no reply")
        }
        checkFence(event, effects, twin)
        if let gap { checkGap(gap, twin, event) }
        return effects
    }

    private func judge(_ effect: Effect, of event: Event, _ twin: CoordinatorTwin) {
        switch effect {
        case .reply(let id, let request, let reply):
            open[Question(connection: id, request: request)] = nil
            if reply == .verdict(.send) { noteGrant(id, request, twin) }
            if case .greeting = reply, case .request(_, _, _, .greet(let greet)) = event,
                greet.minorLowest > 0
            {
                fail("a peer of another protocol is let in")
            }
            if case .welcome(let welcome) = reply, case .request(_, _, _, .hello(let hello)) = event
            {
                welcomed(hello, welcome.incarnation)
            }
        case .sendVersion(let id, let request, let version):
            open[Question(connection: id, request: request)] = nil
            if version.step.index != twin.engine.state.committed
                || version.digest != twin.engine.versionName
            {
                fail("a version of step \(version.step) is sent that is not open")
            }
        case .replyStatus(let id, let request), .sendAnswer(let id, let request, _):
            open[Question(connection: id, request: request)] = nil
        case .close(let id): forget(id)
        case .keepInput(let key, let step, let slice, let round):
            checkFence(key, step, event, twin)
            inputs.insert(InputKey(step: step, slice: slice, round: round))
        case .keepNode(let key, let step, let node, _):
            checkFence(key, step, event, twin)
            for slice in node.indices { counted[SliceNumber(slice)] = step }
            checkGrant(step, node, event)
        case .dropNode(_, let node):
            for slice in node.indices { counted[SliceNumber(slice)] = nil }
        case .openStep(let step):
            (counted, inputs) = ([:], [])
            if let opened, step.index != opened, step.index != opened + 1 {
                fail("step \(step) follows step \(opened)")
            }
            opened = step.index
            if step.index > twin.directory.ledgerCount {
                fail("step \(step) is announced, the ledger has \(twin.directory.ledgerCount)")
            }
            announced = max(announced, step.index)
        default: break
        }
    }

    private func noteGrant(_ id: ConnectionID, _ request: RequestID, _ twin: CoordinatorTwin) {
        let question = Question(connection: id, request: request)
        if let grant = offers.removeValue(forKey: question) { grants.insert(grant) }
    }

    /// A node counts only after it was offered and wanted.
    private func checkGrant(_ step: StepNumber, _ node: SliceRange, _ event: Event) {
        guard case .request(_, _, let worker, .deliverNode(let delivery)) = event else { return }
        let grant = Grant(worker: worker, step: delivery.step, node: delivery.node)
        if grants.remove(grant) == nil { fail("node \(delivery.node) counts without a credit") }
    }

    private func welcomed(_ hello: Hello, _ incarnation: Incarnation) {
        if nameOf[incarnation] != nil { fail("incarnation \(incarnation) is given twice") }
        nameOf[incarnation] = hello.name
        newest[hello.name] = incarnation
        if incarnation.epoch != epoch { fail("\(incarnation) in epoch \(epoch)") }
        if hello.fingerprint != Plan.fingerprint { fail("a stranger's bits are let in") }
    }

    /// What counts comes from the newest life under its name, of this epoch, for the open step.
    private func checkFence(
        _ key: StagedKey, _ step: StepNumber, _ event: Event, _ twin: CoordinatorTwin
    ) {
        guard case .request(_, _, let incarnation, _) = event else {
            return fail("tensors are kept without a request")
        }
        guard let name = nameOf[incarnation], newest[name] == incarnation,
            incarnation.epoch == epoch, twin.ports[key.connection]?.incarnation == incarnation
        else { return fail("something of \(incarnation), which is over, counts") }
        if step.index != twin.engine.state.committed { fail("something of step \(step) counts") }
    }

    /// A frame of another incarnation than its connection's is refused, and nothing else.
    private func checkFence(_ event: Event, _ effects: [Effect], _ twin: CoordinatorTwin) {
        guard case .request(let id, let request, let life, _) = event,
            let own = twin.ports[id]?.incarnation, own.rawValue != 0, own != life
        else { return }
        let isRefused = effects.contains {
            guard case .reply(id, request, .refused(let refusal)) = $0 else { return false }
            return refusal.code == .sayHello
        }
        if !isRefused { fail("a frame of \(life) is not refused on a connection of \(own)") }
    }

    /// A request that came on several connections of a life is answered on all of them.
    private func checkRepetitions(_ effects: [Effect], _ twin: CoordinatorTwin) {
        for effect in effects {
            guard let (id, request) = effect.answered, !effect.turnsAway,
                let port = twin.ports[id], port.incarnation.rawValue != 0
            else { continue }
            let isForgotten = open.keys.contains {
                $0.request == request && $0.connection != id
                    && twin.ports[$0.connection]?.incarnation == port.incarnation
            }
            if isForgotten { fail("request \(request) is answered on \(id) only") }
        }
    }

    private func forget(_ id: ConnectionID) {
        for question in open.keys where question.connection == id { open[question] = nil }
    }

    // MARK: After every event

    /// Checks the machine, its shell and what they hold.
    func check(_ twin: CoordinatorTwin, after event: Event) {
        problems += twin.machine.checkInvariants()
        problems += twin.engine.faults
        if twin.staged != nil { fail("tensors are staged between two events") }
        if twin.directory.ledgerCount < recorded { fail("the ledger becomes shorter") }
        recorded = twin.directory.ledgerCount
        if twin.engine.keptCount > max(plan.credits, 6) { fail("too many nodes are kept") }
        if twin.ports.count > 64 { fail("\(twin.ports.count) connections are kept") }
        if case .tick = event { checkTime(twin) }
        if !problems.isEmpty { fail("after event \(events): \(event)") }
    }

    /// Checks what a worker holds.
    func check(_ worker: WorkerTwin) {
        if worker.versions.count > 2 { fail("\(worker.name) holds too many versions") }
        if worker.results.count > 3 * plan.slices { fail("\(worker.name) holds too many results") }
    }

    // MARK: What counts

    func isCounted(_ step: StepNumber, _ slice: SliceNumber) -> Bool { counted[slice] == step }

    /// The slices of a step, as they are counted at its commit.
    func note(_ accounts: [SliceAccount], of step: StepNumber, by twin: CoordinatorTwin) {
        let leaves = expected.leaves[step.index]
        for account in accounts where leaves[account.leaf.slice.index] != account.leaf.digest {
            fail("slice \(account.leaf.slice) of step \(step) counts with other bits")
        }
    }

    /// A step's record, before it is written.
    func note(_ record: StepRecord, by twin: CoordinatorTwin) {
        if record.gradient != expected.gradients[record.step].hex {
            fail("the gradient of step \(record.step) is not that of the fault-free run")
        }
        if record.next != expected.states[record.step + 1].digest.hex {
            fail("the state after step \(record.step) is not that of the fault-free run")
        }
    }

    func hasInput(_ step: StepNumber, _ slice: SliceNumber, _ round: Int) -> Bool {
        inputs.contains(InputKey(step: step, slice: slice, round: round))
    }

    /// At the end every request has its reply.
    func checkEnd() { if !open.isEmpty { fail("\(open.count) requests have no reply") } }

    /// How a worker's process ended.
    func note(_ outcome: WorkerOutcome, of worker: WorkerTwin) {
        switch outcome {
        case .done:
            if worker.world.coordinator?.over?.reason != .done, healedAt != nil {
                // It heard so from a coordinator that has gone since, or it is wrong.
                if announced < plan.steps - 1 { fail("\(worker.name) ended before the run") }
            }
        default: break
        }
    }
}
