package import Messages

/// What a worker decides, without sockets, clocks or tensors: when to join, what to ask for, what
/// to hand back, when to end.
///
/// The shell carries the actions out in the order given.
///
/// One life lasts from a welcome to the loss of a connection. Whatever a life leased is dropped
/// when it ends; only results of the open (step, version) are kept by the shell (`ResultBook`).
package struct WorkerSession: Sendable {
    /// A moment of the caller's monotonic clock.
    package typealias Moment = ContinuousClock.Instant

    /// What happens to a worker.
    package enum Event: Sendable {
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
    package enum JoinFailure: Hashable, Sendable {
        /// Nobody there, or the connection broke.
        case unreachable(String)
        /// The coordinator said no.
        case refused(Refusal)
        /// Who answers is not the run's coordinator, or does not take us for one of its own.
        case distrusted(String)
        /// The worker cannot prepare: what, where, what to do.
        case unprepared(String)
    }

    /// How a slice ended.
    package enum SliceEnd: Hashable, Sendable {
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
    package enum Action: Hashable, Sendable {
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

    enum Phase: Hashable {
        case apart
        case joining
        case present
        case leaving
        case ended
    }

    struct Slot: Hashable {
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
    /// A drain waits so long for nodes on their way: their credits may wait for slices that nobody
    /// else is there to compute.
    static let drainMax = Duration.seconds(10)
    /// A busy machine may hold a reply up for a while: as long as a coordinator waits for us.
    static let silenceMin = Duration.seconds(3)

    /// The current life, counted from 1; 0 before the first attempt to join.
    var life = 0
    var phase = Phase.apart
    var slots: [Slot]
    let start: Moment
    var wasWelcomed = false
    var nameInUseSince: Moment?
    var backoff = WorkerSession.backoffMin
    var isReady = false
    var isStopping = false
    var stoppingSince: Moment?
    var errands = 0
    /// A bug that a test has planted.
    package var flaw: WorkerFlaw?
    var heartbeat = Duration.milliseconds(250)
    var lastHeard: Moment
    var lastTick: Moment
    var lastBeat: Moment

    /// A worker with so many slots that begins to join at `start`.
    package init(slots: Int, at start: Moment) {
        self.slots = Array(repeating: Slot(), count: slots)
        self.start = start
        lastHeard = start
        lastTick = start
        lastBeat = start
    }

    /// Takes an event in and says what to do.
    package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
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
        case .stop: return stop(at: now)
        case .goodbyeSaid: return end(.drained)
        }
    }
}
