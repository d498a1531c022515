import CoordinatorCore
import Messages

extension Walk {
    /// Folds an effect into the trace, which is equal for equal walks.
    mutating func fold(_ effect: Effect) {
        func mix(_ values: UInt64...) {
            for value in values { trace = (trace ^ value) &* 0x0000_0100_0000_01B3 }
        }
        switch effect {
        case .reply(let id, let request, let reply):
            mix(1, id.value, request.rawValue)
            switch reply {
            case .lease(let lease): mix(UInt64(lease.task.slice.rawValue), lease.task.step.rawValue)
            case .refused(let refusal): mix(UInt64(refusal.code.rawValue))
            case .verdict(let verdict): mix(UInt64(verdict.rawValue))
            default: mix(99)
            }
        case .push(let id, _): mix(2, id.value)
        case .close(let id): mix(3, id.value)
        case .sendVersion(let id, let request, _): mix(4, id.value, request.rawValue)
        case .openStep(let step): mix(5, step.rawValue)
        case .keepInput(let key, _, let slice, let round):
            mix(
                6, key.connection.value, key.request.rawValue, UInt64(slice.rawValue), UInt64(round)
            )
        case .dropStaged(let key): mix(7, key.connection.value, key.request.rawValue)
        case .answerGroup(_, let round, let group, _): mix(8, UInt64(round), UInt64(group))
        case .sendAnswer(let id, let request, _): mix(9, id.value, request.rawValue)
        case .keepNode(let key, _, let node, _):
            mix(10, key.connection.value, key.request.rawValue, UInt64(node.lo), UInt64(node.hi))
        case .dropNode(_, let node): mix(16, UInt64(node.lo), UInt64(node.hi))
        case .doubt(let step): mix(17, step.rawValue)
        case .combine(_, let node): mix(11, UInt64(node.lo), UInt64(node.hi))
        case .commit(let step, let accounts):
            mix(12, step.rawValue)
            for account in accounts {
                mix(UInt64(account.attempts))
                for byte in account.worker.utf8 { mix(UInt64(byte)) }
            }
        case .checkpoint(let committed): mix(13, committed.rawValue)
        case .over(let over): mix(14, UInt64(over.reason.rawValue))
        case .note(_, let text): for byte in text.utf8 { mix(UInt64(byte)) }
        case .replyStatus(let id, _): mix(15, id.value)
        }
    }
}
