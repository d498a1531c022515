import CoordinatorCore
import Logging
import Messages
import Storage
import Transport

extension Coordinator {
    func carryOut(_ effect: Effect) {
        switch effect {
        case .reply(let id, let request, let reply):
            answer(request, with: reply, on: id)
        case .replyStatus(let id, let request):
            ports[id]?.post(.status(status().json), to: request)
        case .push(let id, let push):
            ports[id]?.post(push)
        case .close(let id):
            ports[id]?.closeWhenSent()
        case .sendVersion(let id, let request, let version):
            sendVersion(version, as: request, on: id)
        case .sendAnswer(let id, let request, let answer):
            if let port = ports[id] { toEngine.yield(.sendAnswer(port, request, answer)) }
        case .openStep(let step):
            toEngine.yield(.open(step))
            toEngine.yield(.foresee(step.next))
        case .keepInput(let key, _, let slice, let round):
            toEngine.yield(.keepInput(slice, round: round, staging.takeInput(key)))
        case .dropStaged(let key):
            staging.drop(key)
        case .answerGroup(let step, let round, let group, let slices):
            toEngine.yield(.answer(step, round: round, group: group, slices: slices))
        case .keepNode(let key, _, let node, let replaced):
            toEngine.yield(.keepNode(node, staging.takeNode(key), replacing: replaced))
        case .dropNode(_, let node):
            toEngine.yield(.dropNode(node))
        case .doubt:
            toEngine.yield(.doubt)
        case .combine(_, let node):
            toEngine.yield(.combine(node))
        case .commit(let step, let accounts):
            toEngine.yield(.commit(step, accounts))
        case .checkpoint(let committed):
            toEngine.yield(.checkpoint(committed: committed))
        case .over(let over):
            finish(over)
        case .note(let level, let text):
            note(level, text)
        }
    }

    /// A welcome, or the first word of acceptance (to `attach`), admits the connection.
    func answer(_ request: RequestID, with reply: Reply, on id: ConnectionID) {
        guard let port = ports[id] else { return }
        switch reply {
        case .welcome(let welcome): port.admit(welcome.incarnation, limits: limits)
        case .accepted: port.admit(claims[id] ?? Incarnation(rawValue: 0), limits: limits)
        default: break
        }
        port.post(reply, to: request)
    }

    func sendVersion(
        _ wanted: FetchVersion, as request: RequestID, on id: ConnectionID
    ) {
        if let tensors = shelf.tensors(of: wanted) {
            ports[id]?.post(.version(wanted), tensors, to: request)
        } else {
            let refusal = Refusal(.versionGone, "step \(wanted.step) is over")
            ports[id]?.post(.refused(refusal), to: request)
        }
    }

    /// What a peer may send once it was taken in.
    var limits: ConnectionLimits {
        ConnectionLimits(maxBodyBytes: Int(machine.settings.bodyBytesMax))
    }

    func finish(_ over: RunOver) {
        self.over = over
        if exitsWhenDone || over.reason != .done { end.yield(over) }
    }

    func note(_ level: NoteLevel, _ text: String) {
        switch level {
        case .warning: logger.warning("\(text)")
        case .info: logger.info("\(text)")
        case .debug: logger.debug("\(text)")
        }
        if level != .debug { work.keep(level, text) }
    }
}
