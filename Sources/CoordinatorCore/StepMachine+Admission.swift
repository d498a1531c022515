import Identity
import Messages

// Which events are let in: fencing of older lives, the order of the conversation, repeated requests
// (design, section 4, *Identity*).
extension StepMachine {
    /// Checks an event before anything comes of it.
    ///
    /// Nil if it ends here: it comes from a connection that is closing, belongs to another life, is
    /// out of order, or repeats a request.
    /// The asker of events that are no worker's request is ``Asker/nobody``.
    mutating func admit(_ event: Event) -> Asker? {
        let (id, request, incarnation, body): (ConnectionID, RequestID, Incarnation, Request)
        let isStaged: Bool
        switch event {
        case .request(let from, let number, let life, let asked):
            (id, request, incarnation, body) = (from, number, life, asked)
            isStaged = asked.hasTensors
        case .unusable(let from, let number, let life, let asked, _):
            (id, request, incarnation, body) = (from, number, life, asked)
            isStaged = false
        default: return .nobody
        }
        let asker: Asker?
        switch sessions.peers[id]?.standing {
        case nil, .closing: asker = nil
        case .stranger:
            sessions.hear(id, at: time)
            asker = admitStranger(id, request, incarnation, body)
        case .client(let own):
            sessions.hear(id, at: time)
            asker = admitClient(id, request, incarnation, body, own: own)
        case .control(let own), .bulk(let own):
            asker = admitWorker(id, request, incarnation, body, own: own)
        }
        if asker == nil, isStaged {
            effects.append(.dropStaged(StagedKey(connection: id, request: request)))
        }
        return asker
    }

    private mutating func admitStranger(
        _ id: ConnectionID, _ request: RequestID, _ incarnation: Incarnation, _ body: Request
    ) -> Asker? {
        switch body {
        case .greet, .hello, .attach: return .nobody
        default: break
        }
        if incarnation.rawValue != 0 {
            turnAway(id, request, .sayHello, "incarnation \(incarnation) is over")
        } else {
            turnAway(id, request, .outOfOrder, "the first requests are greet and hello, or attach")
        }
        return nil
    }

    private mutating func admitClient(
        _ id: ConnectionID, _ request: RequestID, _ incarnation: Incarnation, _ body: Request,
        own: Incarnation
    ) -> Asker? {
        switch body {
        case .status, .goodbye: return .nobody
        case .steer:
            if sessions.peers[id]?.role?.mayAct == true { return .nobody }
            let refusal = Refusal(.notAllowed, "a viewer may look and not act")
            effects.append(.reply(id, request, .refused(refusal)))
        default:
            let refusal = Refusal(.outOfOrder, "a client looks and steers, and does not work")
            effects.append(.reply(id, request, .refused(refusal)))
        }
        return nil
    }

    private mutating func admitWorker(
        _ id: ConnectionID, _ request: RequestID, _ incarnation: Incarnation, _ body: Request,
        own: Incarnation
    ) -> Asker? {
        guard incarnation == own || hasFlawToTake(incarnation, own) else {
            let refusal = Refusal(
                .sayHello, "this connection is incarnation \(own), the frame says \(incarnation)")
            effects.append(.reply(id, request, .refused(refusal)))
            return nil
        }
        sessions.hear(id, at: time)
        let asker = Asker(worker: own, request: request)
        switch body {
        case .status, .heartbeat: return asker
        default: break
        }
        let before = sessions.workers[own]
        switch sessions.update(own, { $0.replies.take(request, on: id) }) {
        case nil, .waiting: return nil
        case .answered(let earlier) where settings.flaw != .forgetsAnswers:
            send(isCurrent(earlier) ? earlier : Answer.gone(earlier), to: id, request)
            return nil
        case .new, .answered: break
        }
        if let before, let refusal = objection(to: body, of: before) {
            answer(asker, .reply(.refused(refusal)))
            return nil
        }
        return asker
    }

    /// Why a worker may not ask this now, or nil.
    private func objection(to body: Request, of worker: Worker) -> Refusal? {
        switch body {
        case .greet, .hello, .attach:
            return Refusal(.outOfOrder, "this connection is past hello and attach")
        case .steer: return Refusal(.notAllowed, "a worker works and does not steer")
        case .ready, .returnLease, .goodbye, .heartbeat, .status: return nil
        case .requestLease, .fetchVersion, .exchange, .offerNode, .deliverNode: break
        }
        guard worker.isReady else { return Refusal(.outOfOrder, "the worker has not said ready") }
        if case .over(let over) = phase {
            return Refusal(over.reason == .failed ? .runFailed : .closing, over.detail)
        }
        let waiting = worker.replies.waitingCount
        guard waiting < requestsMax(of: worker) else {
            return Refusal(.tooMany, "\(waiting) requests of this worker wait already")
        }
        return nil
    }

    /// Requests of a worker that may wait: for every slot a lease, for every slice an answer or a
    /// verdict, all of it twice, and a few more.
    func requestsMax(of worker: Worker) -> Int {
        2 * (settings.slices + Int(worker.hello.slots)) + 16
    }

    /// Whether an earlier answer can be given again.
    private func isCurrent(_ answer: Answer) -> Bool {
        switch answer {
        case .reply: true
        case .version(let version): step?.opened.names(version.digest) == true
        case .exchange(let answer): phase == .stepping && answer.step == step?.opened.step
        }
    }
}

extension Asker {
    /// Stands for events that are no worker's request.
    static let nobody = Asker(
        worker: Incarnation(rawValue: 0), request: RequestID(rawValue: 0))
}

extension Answer {
    /// What a repeated request gets when the step of its answer is over.
    static func gone(_ answer: Answer) -> Answer {
        switch answer {
        case .version(let version):
            .reply(.refused(Refusal(.versionGone, "version of step \(version.step)")))
        case .exchange(let answer):
            .reply(.refused(Refusal(.leaseGone, "step \(answer.step) is over")))
        case .reply: answer
        }
    }
}

extension Request {
    /// Whether tensors come with it, which the shell has staged.
    var hasTensors: Bool {
        switch self {
        case .exchange, .deliverNode: true
        default: false
        }
    }
}
