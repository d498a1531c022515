import Messages
import Optimizers

/// The coordinator as a pure machine: `(state, event, now) -> (state, effects)`.
///
/// It decides everything and does nothing: no clock, socket, file, thread or tensor is in it. The
/// same events at the same moments give the same effects in every process. The shell feeds events
/// one at a time and carries the effects of each out, in order, before the next.
///
/// Where time has a gap (no event for longer than a second, though ticks are due every 100 ms) the
/// coordinator itself was stopped; such gaps do not count, which extends all terms by the gap.
public struct StepMachine: Sendable {
    /// What the run is at.
    enum Phase: Hashable, Sendable {
        /// State and labels are being prepared.
        case starting
        /// The shell opens the step after the committed ones.
        case opening
        /// Slices of the open step are computed.
        case stepping
        /// The shell commits the open step.
        case committing
        /// No more steps; the last checkpoint is on its way.
        case closing(RunOver)
        /// The run is over; only status is left.
        case over(RunOver)
    }

    /// A lease request that waits for work.
    struct Wish: Hashable, Sendable {
        /// Who asked.
        var asker: Asker
        /// Since when it waits.
        var since: Moment
    }

    /// Longest time between two events that is taken for the passing of time.
    static let gapMax = Duration.seconds(1)
    /// What a longer one counts as: the time between ticks.
    static let gapCounts = Duration.milliseconds(100)

    /// What it knows from the run file and its options.
    public let settings: MachineSettings
    var phase = Phase.starting
    var phaseSince = Moment(nanoseconds: 0)
    var committed = 0
    var recorded = 0
    var checkpoints = CheckpointOrder()
    private(set) var pausedBecause: String?
    private(set) var pausedSince: Moment?
    var stop: StopWish?
    var sessions = Sessions()
    var step: OpenStep?
    var nodes: GradientTreeBook
    var wishes: [Wish] = []
    var previousHolders: [Incarnation?] = []
    /// Workers that were found faulty, by name.
    var quarantine: [String: Quarantine] = [:]
    /// Time without gaps, and the caller's time at which it stood so.
    var time = Moment(nanoseconds: 0)
    var clock: Moment?
    var effects: [Effect] = []

    /// A machine at the start of an epoch: it waits for `prepared`.
    public init(settings: MachineSettings) {
        precondition(settings.slices >= 1, "a step has slices")
        precondition(settings.groups.count == settings.rounds.count, "each round has its groups")
        for groups in settings.groups {
            precondition(
                groups.flatMap(Array.init) == Array(0..<settings.slices),
                "the answer groups of a round cover the slices in order")
        }
        self.settings = settings
        nodes = GradientTreeBook(slices: settings.slices, credits: settings.nodeCredits)
        nodes.flaw = settings.flaw
    }

    /// Whether any worker is connected.
    public var hasWorkers: Bool { !sessions.workers.isEmpty }

    /// Takes an event in and returns what is to be done, in order.
    public mutating func handle(_ event: Event, at now: Moment) -> [Effect] {
        advance(to: now)
        if let asker = admit(event) { decide(event, for: asker) }
        settle()
        defer { effects = [] }
        return effects
    }

    /// The seven points of a step (design, section 2), and before them who takes part.
    private mutating func decide(_ event: Event, for asker: Asker) {
        switch event {
        // Who takes part.
        case .connected(let id, let address, let ticket):
            connect(id, address: address, ticket: ticket)
        case .closed(let id): disconnect(id)
        case .request(let id, let request, _, .greet(let greet)): take(greet, id, request)
        case .request(let id, let request, _, .hello(let hello)): take(hello, id, request)
        case .request(let id, let request, _, .attach(let attach)): take(attach, id, request)
        case .request(_, _, _, .ready(let ready)): take(ready, from: asker)
        case .request(let id, let request, _, .heartbeat(let beat)):
            take(beat, from: asker.worker, id, request)
        case .request(let id, let request, _, .status): effects.append(.replyStatus(id, request))
        case .request(let id, let request, _, .steer(let steer)): take(steer, id, request)
        case .request(let id, let request, _, .goodbye(let goodbye)):
            take(goodbye, from: asker, id, request)

        // 1. Open: the state is there, or a step was committed.
        case .prepared(let committed, let recorded):
            prepare(committed: committed.index, recorded: recorded.index)
        case .stepOpened(let opened): begin(opened)

        // 2. Lease.
        case .request(_, _, _, .requestLease): wishes.append(Wish(asker: asker, since: time))
        case .request(_, _, _, .returnLease(let lease)): take(lease, from: asker)

        // 3. Forward, for which the worker needs the step's version.
        case .request(_, _, _, .fetchVersion(let version)): take(version, from: asker)

        // 4. Exchange.
        case .request(let id, let request, _, .exchange(let input)):
            take(input, StagedKey(connection: id, request: request), from: asker)
        case .groupAnswered(let step, let round, let group):
            passOn(step, round: round, group: group)

        // 5. Backward happens on the worker; 6. Sum.
        case .request(_, _, _, .offerNode(let offer)): take(offer, from: asker)
        case .request(let id, let request, _, .deliverNode(let node)):
            take(node, StagedKey(connection: id, request: request), from: asker)

        // Tensors that cannot be used, at point 4 or 6.
        case .unusable(_, _, _, let body, let refusal): refuse(body, refusal, from: asker)

        // 7. Commit, checkpoint, end.
        case .committed(let step): endStep(step)
        case .copiesFull(let isFull): noteCopies(isFull)
        case .checkpointed(let committed): endCheckpoint(committed.index)
        case .failed(let why): fail(why)
        case .stopRequested(let why): requestStop(why)
        case .tick: expire()
        }
    }

    /// What follows from the new state: verdicts, leases, the end of the step.
    private mutating func settle() {
        giveVerdicts()
        giveLeases()
        if phase == .stepping, let step, step.leases.isComplete, step.disputes.open.isEmpty {
            commit()
        }
        if hasFlawToCommit { commit() }
        abandonIfStopped()
    }

    private mutating func advance(to now: Moment) {
        let passed = clock.map { now - $0 } ?? .zero
        let isGap = passed > Self.gapMax && settings.flaw != .countsGaps
        let counted = isGap ? Self.gapCounts : passed
        if passed > Self.gapMax {
            note(.warning, "no event for \(passed): all terms are extended by that time")
        }
        checkpoints.pass(counted, isStepping: isStepping)
        time = time + counted
        clock = max(now, clock ?? now)
    }

    // MARK: Small parts

    mutating func note(_ level: NoteLevel, _ text: String) { effects.append(.note(level, text)) }

    mutating func enter(_ next: Phase) {
        phase = next
        phaseSince = time
        checkpoints.copiesFullSince = nil
    }

    /// Nothing more is leased until somebody has looked at what went wrong.
    mutating func pause(because why: String, _ remedy: String) {
        guard pausedBecause == nil else { return }
        pausedBecause = why
        pausedSince = time
        note(.warning, "the run is paused: \(why); \(remedy)")
    }

    /// Answers a worker's request, on every connection on which it was made.
    mutating func answer(_ asker: Asker, _ answer: Answer) {
        let askers = sessions.update(asker.worker) {
            $0.replies.finish(asker.request, with: answer)
        }
        let hearers = (askers ?? []).prefix(settings.flaw == .answersFirstOnly ? 1 : .max)
        for id in hearers { send(answer, to: id, asker.request) }
    }

    /// Refuses a worker's request.
    mutating func refuse(_ asker: Asker, _ code: ErrorCode, _ detail: String) {
        answer(asker, .reply(.refused(Refusal(code, detail))))
    }

    mutating func send(_ answer: Answer, to id: ConnectionID, _ request: RequestID) {
        switch answer {
        case .reply(let reply): effects.append(.reply(id, request, reply))
        case .version(let version): effects.append(.sendVersion(id, request, version))
        case .exchange(let answer): effects.append(.sendAnswer(id, request, answer))
        }
    }

    mutating func close(_ id: ConnectionID) {
        if sessions.close(id) { effects.append(.close(id)) }
    }
}
