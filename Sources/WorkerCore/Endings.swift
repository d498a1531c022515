import Messages

extension WorkerSession.SliceEnd {
    /// How a slice ends that could not be computed.
    package init(_ error: any Error) {
        switch error {
        case let reason as StopReason: self = .stopped(reason)
        case ConversationError.lost, is CancellationError: self = .stopped(.lost)
        case ConversationError.refused(let refusal)
        where [.leaseGone, .versionGone, .resultDiffers].contains(refusal.code):
            self = .gone  // the coordinator has ended the lease
        default: self = .failed("\(error)")
        }
    }
}

/// What becomes of a node whose delivery ended.
package enum NodeEnd: Hashable, Sendable {
    /// It has arrived, or is not wanted: forget it.
    case settled
    /// The life is over: it is kept for the next one.
    case kept
    /// It cannot be delivered: hand its slices back, then forget it.
    case handedBack(String)

    /// The end after an error.
    package init(_ error: any Error) {
        switch error {
        case ConversationError.refused(let refusal):
            self = refusal.endsLeases ? .settled : .handedBack("\(refusal)")
        case ConversationError.unsendable(let problem): self = .handedBack(problem)
        default: self = .kept
        }
    }
}

extension Refusal {
    /// Whether the coordinator has ended the leases on the slices of a node that it refuses so.
    fileprivate var endsLeases: Bool {
        switch code {
        case .leaseGone, .versionGone, .badValue, .resultDiffers: true
        default: false
        }
    }
}
