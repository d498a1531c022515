import Messages
import Optimizers
import Wire
import WorkerCore

/// A worker's process: the session, the results and the versions unchanged, in a shell like
/// `Worker` whose sockets, threads and arithmetic are simulated.
final class WorkerTwin {
    /// How long one attempt to connect may take.
    static let dialMax = Nanoseconds.seconds(5)
    /// A reply that needs no computation comes within this.
    static let replyMax = Nanoseconds.seconds(10)
    /// A transfer; less than the hang term, as in a run file.
    static let transferMax = Nanoseconds.seconds(4)
    static let goodbyeMax = Nanoseconds.seconds(2)

    unowned let world: World
    /// Which worker it is: its link, its slots.
    let number: Int
    /// The name under which it appears.
    let name: String
    /// Tells this process from earlier ones under the name.
    let processID: UInt32
    let process: SimulatedProcess
    let method: SimulatedMethod
    private(set) var session: WorkerSession
    private var events: [WorkerSession.Event] = []
    private var isHandling = false
    var life: (number: Int, conversation: ConversationTwin)?
    var results: ResultBook<NodeTwin>
    var versions = HeldVersions<[Float], (Result<[Float], any Error>) -> Void>()
    var slots: [SlotTwin]
    var slices: [LeaseKey: SliceTwin] = [:]
    /// How it ended, once it has.
    private(set) var outcome: WorkerOutcome?

    // Faults.
    var slowness: UInt64 = 1
    /// What is wrong with its program.
    var oddity: Oddity?
    var errorsToCome = 0
    var nextBits: WrongBits?
    /// The delivery that it made last.
    var lastDelivery: (request: Request, tensors: [WireTensor])?

    /// What a faulty worker's arithmetic does once.
    enum WrongBits {
        case notANumber
        /// A second result is wrong.
        case result
        /// A second result is computed with the parameters of the step before.
        case version
        /// A second input is wrong.
        case input
        /// A first input is wrong; the worker dies of it before it has a result.
        case firstInput
    }

    /// What may be wrong with a worker's program: it must not take part.
    enum Oddity { case fingerprint, protocolMinor }

    init(world: World, number: Int, name: String, processID: UInt32) {
        self.name = name
        self.world = world
        self.number = number
        self.processID = processID
        process = SimulatedProcess(agenda: world.agenda)
        method = SimulatedMethod(plan: world.plan)
        slots = (0..<world.plan.slots[number]).map { SlotTwin(index: $0) }
        session = WorkerSession(slots: slots.count, at: world.instant(of: process))
        results = ResultBook(slices: world.plan.slices)
        session.flaw = world.flaws.worker
        results.flaw = world.flaws.worker
    }

    /// Begins to join.
    func start() {
        feed(.begin)
        tick()
    }

    private func tick() {
        process.after(.milliseconds(100)) { [unowned self] in
            guard outcome == nil else { return }
            feed(.tick)
            tick()
        }
    }

    /// The time as its clock shows it.
    var instant: ContinuousClock.Instant { world.instant(of: process) }

    // MARK: The session

    /// Gives the session an event; what it does to others comes after what it has begun.
    func feed(_ event: WorkerSession.Event) {
        events.append(event)
        guard !isHandling else { return }
        isHandling = true
        defer { isHandling = false }
        while !events.isEmpty, outcome == nil, !process.isDead {
            for action in session.handle(events.removeFirst(), at: instant) {
                perform(action)
            }
        }
        world.referee.check(self)
    }

    private func perform(_ action: WorkerSession.Action) {
        switch action {
        case .join(let number): live(number)
        case .wait(let pause):
            process.after(UInt64(pause / .nanoseconds(1))) { [unowned self] in feed(.begin) }
        case .heartbeat: beat()
        case .askLease(let slot): askLease(slot)
        case .run(let key, let lease, let slot): work(key, lease, slots[slot])
        case .stopSlice(let key, let reason): slices[key]?.stop(reason)
        case .handBack(let key, let reason, let detail): handBack(key, reason, detail)
        case .dropLife: dropLife()
        case .sayGoodbye:
            life?.conversation.ask(.goodbye(Goodbye(detail: "")), within: Self.goodbyeMax) {
                [weak self] _ in self?.feed(.goodbyeSaid)
            }
        case .note: break
        case .end(let outcome): end(outcome)
        }
    }

    private func end(_ outcome: WorkerOutcome) {
        self.outcome = outcome
        life?.conversation.lose("the worker ends")
        world.ended(self, outcome)
    }

    private func dropLife() {
        guard let conversation = life?.conversation else { return }
        world.remember(self)
        life = nil
        conversation.lose("the worker joins anew")
        results.endLife()
    }

    private func beat() {
        let beat = Heartbeat(slots: slots.map { $0.progress(isMoving: !process.isStopped) })
        life?.conversation.ask(.heartbeat(beat)) { _ in }
    }

    private func askLease(_ slot: Int) {
        guard let (number, conversation) = life else { return }
        conversation.ask(.requestLease(RequestLease(slot: UInt16(slot)))) { [weak self] outcome in
            switch outcome {
            case .success(let message):
                guard case .lease(let lease) = message.reply else {
                    return conversation.lose("a lease was answered otherwise")
                }
                self?.feed(.leased(life: number, slot: slot, lease))
            case .failure(ConversationError.refused(let refusal)):
                self?.feed(.leaseRefused(life: number, slot: slot, refusal))
            case .failure: break
            }
        }
    }

    func handBack(
        _ key: LeaseKey, _ reason: ReturnReason, _ detail: String, then: @escaping () -> Void = {}
    ) {
        guard let conversation = life?.conversation, life?.number == key.life else {
            return then()
        }
        let request = ReturnLease(
            step: key.step, slice: key.slice, reason: reason, detail: detail)
        conversation.ask(.returnLease(request), within: Self.replyMax) { [weak self] _ in
            self?.feed(.errandDone(life: key.life))
            then()
        }
    }

    /// The process is gone; its sockets are closed by the system.
    func die() {
        process.die()
        life?.conversation.lose("killed")
        life = nil
        slices = [:]
        for slot in slots { slot.clear() }
    }
}
