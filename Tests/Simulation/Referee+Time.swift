import CoordinatorCore
import Messages

// Terms, silence and gaps in clocks.
extension Referee {
    /// Who was alive before a gap in the coordinator's clock.
    func gapBefore(_ twin: CoordinatorTwin) -> [String]? {
        defer { lastMoment = twin.moment }
        guard let lastMoment, twin.moment - lastMoment > .seconds(1) else { return nil }
        twin.world.mark(.gap)
        return twin.machine.status(at: lastMoment).workers
            .filter { $0.state == .ready && $0.lastSeenSeconds < 0.7 }.map(\.incarnation)
    }

    /// A gap is nobody's silence.
    func checkGap(_ before: [String], _ twin: CoordinatorTwin, _ event: Event) {
        switch event {
        case .tick, .stepOpened, .groupAnswered, .committed, .checkpointed: break
        default: return
        }
        let after = twin.machine.status(at: twin.moment).workers
        for incarnation in before
        where after.contains(where: { $0.incarnation == incarnation && $0.state == .lost }) {
            fail("worker \(incarnation) is lost for a gap in the coordinator's own clock")
        }
    }

    func checkTime(_ twin: CoordinatorTwin) {
        let now = twin.world.agenda.now
        if let healedAt, let oldest = open.values.min(), oldest + Self.answerMax < now,
            healedAt + Self.answerMax < now
        {
            fail("a request has had no reply for \(Self.answerMax.duration)")
        }
        ticks += 1
        guard ticks % 10 == 0 else { return }
        for worker in twin.machine.status(at: twin.moment).workers {
            let limit = worker.state == .joining ? 6.5 : 1.5
            switch worker.state {
            case .joining, .ready, .suspect:
                if worker.lastSeenSeconds > limit {
                    fail("\(worker.name) is silent for \(worker.lastSeenSeconds) s and counts")
                }
            default: break
            }
        }
    }
}

extension Effect {
    /// The request that it answers, if it answers one.
    var answered: (ConnectionID, RequestID)? {
        switch self {
        case .reply(let id, let request, _), .replyStatus(let id, let request),
            .sendVersion(let id, let request, _), .sendAnswer(let id, let request, _):
            (id, request)
        default: nil
        }
    }

    /// Whether it tells a frame of a life that is over to say hello.
    var turnsAway: Bool {
        guard case .reply(_, _, .refused(let refusal)) = self else { return false }
        return refusal.code == .sayHello
    }
}

extension Request {
    /// Whether the machine answers in the call that takes it in.
    var isAnsweredAtOnce: Bool {
        switch self {
        case .requestLease, .exchange, .offerNode: false
        default: true
        }
    }
}
