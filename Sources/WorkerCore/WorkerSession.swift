import Messages

/// What a worker decides, without sockets, clocks or tensors: when to join, what to ask for, what
/// to hand back, when to end. The shell carries the actions out in the order given.
///
/// One life lasts from a welcome to the loss of a connection. Whatever a life leased is dropped
/// when it ends; only results of the open (step, version) are kept by the shell (`NodeBook`).
struct WorkerSession: Sendable {
    /// A moment of the caller's monotonic clock.
    typealias Moment = ContinuousClock.Instant

    /// What happens to a worker.
    enum Event: Sendable {
        /// Begin, or try again after an action `wait`.
        case begin
        /// The coordinator took the worker in.
        case welcomed(life: Int, Welcome)
        /// Run file and data are there, bulk connections attached, `ready` was accepted.
        case ready(life: Int)
        /// Joining failed before the welcome or after it.
        case joinFailed(life: Int, JoinFailure)
        /// A connection of this life is gone.
        case lost(life: Int, String)
        /// A reply came: the coordinator is alive.
        case heard(life: Int)
        /// Time has passed; comes at least once a heartbeat.
        case tick
        /// The coordinator said something unasked.
        case pushed(life: Int, Push)
        /// A slot's request for a lease was answered.
        case leased(life: Int, slot: Int, Lease)
        /// A slot's request for a lease was refused.
        case leaseRefused(life: Int, slot: Int, Refusal)
        /// A slice waits for the answer to its exchange.
        case parked(LeaseKey)
        /// A slice goes on after its exchange.
        case resumed(LeaseKey)
        /// A slice has ended.
        case ended(LeaseKey, SliceEnd)
        /// So many nodes are on their way: errands that a drain waits for.
        case errandsBegun(life: Int, Int)
        /// A node has arrived or is not wanted, or a slice is handed back.
        case errandDone(life: Int)
        /// The operator wants the worker to stop.
        case stop
        /// The farewell was heard, or nobody heard it.
        case goodbyeSaid
    }

    /// Why joining failed.
    enum JoinFailure: Hashable, Sendable {
        /// Nobody there, or the connection broke.
        case unreachable(String)
        /// The coordinator said no.
        case refused(Refusal)
        /// The worker cannot prepare: what, where, what to do.
        case unprepared(String)
    }

    /// How a slice ended.
    enum SliceEnd: Hashable, Sendable {
        /// With a result, which the shell has.
        case result
        /// Before its end, for this reason.
        case stopped(StopReason)
        /// The coordinator has no use for it any more.
        case gone
        /// With an error.
        case failed(String)
    }

    /// What is to be done.
    enum Action: Hashable, Sendable {
        /// Connect, greet, say hello, prepare, attach, say ready.
        case join(life: Int)
        /// Event `begin` after so long.
        case wait(Duration)
        /// Send a heartbeat.
        case heartbeat
        /// Ask for a lease for a slot.
        case askLease(slot: Int)
        /// Compute a leased slice on a slot.
        case run(LeaseKey, Lease, slot: Int)
        /// Make a slice end at its exchange, at once if it is parked there.
        case stopSlice(LeaseKey, StopReason)
        /// Hand a slice back; then event `errandDone`.
        case handBack(LeaseKey, ReturnReason, String)
        /// Close every connection; keep undelivered results of the open step.
        case dropLife
        /// Say goodbye; then event `goodbyeSaid`.
        case sayGoodbye
        /// End.
        case end(WorkerOutcome)
        /// Something for the log.
        case note(String)
    }

    private enum Phase: Hashable {
        case apart
        case joining
        case present
        case leaving
        case ended
    }

    private struct Slot: Hashable {
        var isAsking = false
        var computing: [LeaseKey] = []
        var parked: [LeaseKey] = []
    }

    /// The first join is tried for so long: a coordinator may be starting, or clustering.
    static let firstJoinMax = Duration.seconds(60)
    /// A name may belong to a worker that is gone and not yet known to be: wait for so long.
    static let nameInUseMax = Duration.seconds(10)
    /// The first and the longest wait between two attempts.
    static let backoffMin = Duration.milliseconds(50)
    /// The longest wait between two attempts.
    static let backoffMax = Duration.seconds(1)
    /// A coordinator silent for so many heartbeats, but at least `silenceMin`, is given up.
    static let silentHeartbeats = 3
    /// A busy machine may hold a reply up for a while: as long as a coordinator waits for us.
    static let silenceMin = Duration.seconds(3)

    /// The current life, counted from 1; 0 before the first attempt to join.
    private(set) var life = 0
    private var phase = Phase.apart
    private var slots: [Slot]
    private let start: Moment
    private var wasWelcomed = false
    private var nameInUseSince: Moment?
    private var backoff = WorkerSession.backoffMin
    private var isReady = false
    private var isStopping = false
    private var errands = 0
    private var heartbeat = Duration.milliseconds(250)
    private var lastHeard: Moment
    private var lastTick: Moment
    private var lastBeat: Moment

    /// A worker with so many slots that begins to join at `start`.
    init(slots: Int, at start: Moment) {
        self.slots = Array(repeating: Slot(), count: slots)
        self.start = start
        lastHeard = start
        lastTick = start
        lastBeat = start
    }

    /// Takes an event in and says what to do.
    mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        guard phase != .ended else { return [] }
        switch event {
        case .begin: return begin()
        case .welcomed(let life, let welcome):
            return life == self.life ? welcomed(welcome, at: now) : []
        case .ready(let life): return life == self.life ? ready() : []
        case .joinFailed(let life, let failure):
            return life == self.life ? joinFailed(failure, at: now) : []
        case .lost(let life, let reason): return life == self.life ? lost(reason, at: now) : []
        case .heard(let life):
            if life == self.life { lastHeard = now }
            return []
        case .tick: return tick(at: now)
        case .pushed(let life, let push): return life == self.life ? pushed(push) : []
        case .leased(let life, let slot, let lease):
            return life == self.life ? leased(lease, slot: slot) : []
        case .leaseRefused(let life, let slot, let refusal):
            return life == self.life ? leaseRefused(refusal, slot: slot, at: now) : []
        case .parked(let key): return parked(key)
        case .resumed(let key): return resumed(key)
        case .ended(let key, let end): return ended(key, end)
        case .errandsBegun(let life, let count):
            if life == self.life { errands += count }
            return []
        case .errandDone(let life):
            guard life == self.life else { return [] }
            errands -= 1
            return leaveIfIdle()
        case .stop: return stop()
        case .goodbyeSaid: return end(.drained)
        }
    }

    // MARK: Joining and leaving

    private mutating func begin() -> [Action] {
        guard phase == .apart else { return [] }
        guard !isStopping else { return end(.drained) }
        phase = .joining
        life += 1
        return [.join(life: life)]
    }

    private mutating func welcomed(_ welcome: Welcome, at now: Moment) -> [Action] {
        guard phase == .joining else { return [] }
        wasWelcomed = true
        nameInUseSince = nil
        heartbeat = .milliseconds(Int(welcome.heartbeatMilliseconds))
        lastHeard = now
        lastTick = now
        lastBeat = now
        phase = .present
        return [.heartbeat]
    }

    private mutating func ready() -> [Action] {
        guard phase == .present, !isReady else { return [] }
        isReady = true
        backoff = Self.backoffMin
        return isStopping ? leaveIfIdle() : slots.indices.flatMap { askIfIdle($0) }
    }

    private mutating func joinFailed(_ failure: JoinFailure, at now: Moment) -> [Action] {
        guard phase == .joining || phase == .present else { return [] }
        switch failure {
        case .unprepared(let problem): return end(.failed(problem))
        case .unreachable(let reason): return retry(reason, .unreachable(reason), at: now)
        case .refused(let refusal):
            guard canPass(refusal, at: now) else { return end(.refused(refusal)) }
            return retry(refusal.description, .refused(refusal), at: now)
        }
    }

    /// Whether a refusal may pass by itself.
    private mutating func canPass(_ refusal: Refusal, at now: Moment) -> Bool {
        switch refusal.code {
        case .sayHello, .unknownTicket, .tooMany, .closing, .outOfOrder: return true
        case .nameInUse:
            let since = nameInUseSince ?? now
            nameInUseSince = since
            return now - since < Self.nameInUseMax
        default: return false
        }
    }

    private mutating func retry(
        _ reason: String, _ outcome: WorkerOutcome, at now: Moment
    ) -> [Action] {
        guard wasWelcomed || now - start < Self.firstJoinMax else { return end(outcome) }
        guard !isStopping else { return end(.drained) }
        forgetLife()
        phase = .apart
        let pause = backoff
        backoff = min(backoff * 2, Self.backoffMax)
        return [.dropLife, .note(reason), .wait(pause)]
    }

    private mutating func lost(_ reason: String, at now: Moment) -> [Action] {
        switch phase {
        case .present: return stopAll(.lost) + retry(reason, .unreachable(reason), at: now)
        case .leaving: return end(.drained)
        case .apart, .joining, .ended: return []
        }
    }

    private mutating func forgetLife() {
        isReady = false
        errands = 0
        for slot in slots.indices { slots[slot] = Slot() }
    }

    private mutating func stop() -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        guard phase == .present else { return end(.drained) }
        return stopAll(.drain) + leaveIfIdle()
    }

    private func stopAll(_ reason: StopReason) -> [Action] {
        slots.flatMap { $0.computing + $0.parked }.map { .stopSlice($0, reason) }
    }

    private mutating func leaveIfIdle() -> [Action] {
        let isIdle = slots.allSatisfy { $0.computing.isEmpty && $0.parked.isEmpty }
        guard isStopping, phase == .present, isIdle, errands == 0 else { return [] }
        phase = .leaving
        return [.sayGoodbye]
    }

    private mutating func end(_ outcome: WorkerOutcome) -> [Action] {
        let stops = stopAll(.lost)
        phase = .ended
        return stops + [.dropLife, .end(outcome)]
    }

    // MARK: Signs of life

    private mutating func tick(at now: Moment) -> [Action] {
        // A gap in our own clock (the process was stopped, the host slept) is not the peer's.
        let gap = now - lastTick
        if gap > heartbeat + Self.backoffMax { lastHeard += gap }
        lastTick = now
        guard phase == .present || phase == .leaving else { return [] }
        let silence = max(heartbeat * Self.silentHeartbeats, Self.silenceMin)
        guard now - lastHeard < silence else {
            return lost("the coordinator has not answered for \(now - lastHeard)", at: now)
        }
        guard now - lastBeat >= heartbeat else { return [] }
        lastBeat = now
        return [.heartbeat]
    }

    private mutating func pushed(_ push: Push) -> [Action] {
        switch push {
        case .abandon(let step, let slice):
            let key = LeaseKey(life: life, step: step, slice: slice)
            let isHeld = slots.contains { $0.computing.contains(key) || $0.parked.contains(key) }
            return isHeld ? [.stopSlice(key, .abandoned)] : []
        case .over(let over):
            switch over.reason {
            case .done: return end(.done(over.detail))
            case .closing: return end(.closing(over.detail))
            case .failed: return end(.runFailed(over.detail))
            }
        }
    }

    // MARK: Slices

    /// A slot asks when it has nothing to compute: its parked slices need it only later.
    private mutating func askIfIdle(_ slot: Int) -> [Action] {
        guard phase == .present, isReady, !isStopping, !slots[slot].isAsking,
            slots[slot].computing.isEmpty
        else { return [] }
        slots[slot].isAsking = true
        return [.askLease(slot: slot)]
    }

    private mutating func leased(_ lease: Lease, slot: Int) -> [Action] {
        slots[slot].isAsking = false
        let key = LeaseKey(life: life, step: lease.task.step, slice: lease.task.slice)
        guard !isStopping else { return handBack(key, .drain, "the worker drains") }
        slots[slot].computing.append(key)
        return [.run(key, lease, slot: slot)]
    }

    private mutating func leaseRefused(
        _ refusal: Refusal, slot: Int, at now: Moment
    ) -> [Action] {
        slots[slot].isAsking = false
        switch refusal.code {
        case .runFailed: return end(.runFailed(refusal.detail))
        default: return lost(refusal.description, at: now)
        }
    }

    private mutating func parked(_ key: LeaseKey) -> [Action] {
        guard let slot = slots.firstIndex(where: { $0.computing.contains(key) }) else { return [] }
        slots[slot].computing.removeAll { $0 == key }
        slots[slot].parked.append(key)
        return askIfIdle(slot)
    }

    private mutating func resumed(_ key: LeaseKey) -> [Action] {
        guard let slot = slots.firstIndex(where: { $0.parked.contains(key) }) else { return [] }
        slots[slot].parked.removeAll { $0 == key }
        slots[slot].computing.append(key)
        return []
    }

    private mutating func ended(_ key: LeaseKey, _ end: SliceEnd) -> [Action] {
        guard
            let slot = slots.firstIndex(where: {
                $0.computing.contains(key) || $0.parked.contains(key)
            })
        else { return [] }
        slots[slot].computing.removeAll { $0 == key }
        slots[slot].parked.removeAll { $0 == key }
        let back: [Action] =
            switch end {
            case .result, .gone, .stopped(.lost): []
            case .stopped(.drain): handBack(key, .drain, "the worker drains")
            case .stopped(.abandoned): handBack(key, .abandoned, "told to abandon it")
            case .failed(let problem): handBack(key, .failed, problem)
            }
        return back + askIfIdle(slot) + leaveIfIdle()
    }

    private mutating func handBack(
        _ key: LeaseKey, _ reason: ReturnReason, _ detail: String
    ) -> [Action] {
        guard phase == .present else { return [] }
        errands += 1
        return [.handBack(key, reason, detail)]
    }
}
