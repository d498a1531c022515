import CoordinatorCore
import Identity
import Messages

// What tests look for among effects.
extension [Effect] {
    var replies: [Reply] {
        compactMap { if case .reply(_, _, let reply) = $0 { reply } else { nil } }
    }
    var welcome: Welcome? {
        replies.lazy.compactMap { if case .welcome(let welcome) = $0 { welcome } else { nil } }
            .first
    }
    var leases: [Lease] {
        replies.compactMap { if case .lease(let lease) = $0 { lease } else { nil } }
    }
    var refusals: [ErrorCode] {
        replies.compactMap { if case .refused(let refusal) = $0 { refusal.code } else { nil } }
    }
    var refusal: ErrorCode? { refusals.first }
    var verdicts: [NodeVerdict] {
        replies.compactMap { if case .verdict(let verdict) = $0 { verdict } else { nil } }
    }
    var answers: [ExchangeAnswer] {
        compactMap { if case .sendAnswer(_, _, let answer) = $0 { answer } else { nil } }
    }
    var closed: [ConnectionID] {
        compactMap { if case .close(let id) = $0 { id } else { nil } }
    }
    var pushes: [Push] { compactMap { if case .push(_, let push) = $0 { push } else { nil } } }
    var opened: [Int] {
        compactMap { if case .openStep(let step) = $0 { step.index } else { nil } }
    }
    var commits: [Int] {
        compactMap { if case .commit(let step, _) = $0 { step.index } else { nil } }
    }
    var accounts: [SliceAccount] {
        flatMap { effect -> [SliceAccount] in
            if case .commit(_, let accounts) = effect { accounts } else { [] }
        }
    }
    var checkpoints: [Int] {
        compactMap { if case .checkpoint(let committed) = $0 { committed.index } else { nil } }
    }
    var over: RunOver? {
        lazy.compactMap { if case .over(let over) = $0 { over } else { nil } }.first
    }
    var combines: [SliceRange] {
        compactMap { if case .combine(_, let node) = $0 { node } else { nil } }
    }
    var answerGroups: [Int] {
        compactMap { if case .answerGroup(_, _, let group, _) = $0 { group } else { nil } }
    }
    /// Names of the ends that staged tensors met: `input`, `node` or `drop`.
    var stagingEnds: [String] {
        compactMap {
            switch $0 {
            case .keepInput: "input"
            case .keepNode: "node"
            case .dropStaged: "drop"
            default: nil
            }
        }
    }
    var notes: [String] { compactMap { if case .note(_, let text) = $0 { text } else { nil } } }
    /// Steps of which something is in doubt now and was not before.
    var doubts: [Int] {
        compactMap { if case .doubt(let step) = $0 { step.index } else { nil } }
    }
}
