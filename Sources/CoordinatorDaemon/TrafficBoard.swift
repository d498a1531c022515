import Messages
import Synchronization
import Wire

/// Counts what travels in bulk between the coordinator and its workers, and for how long.
///
/// A message sent takes from its first byte to the last that the system has taken; one received
/// from its first header to its last byte, checked. Several connections may move at a time, so
/// the seconds of a kind can be more than have passed.
final class TrafficBoard: Sendable {
    /// Kinds of messages that are counted, in the order of the status document.
    enum Kind: Int, CaseIterable, Sendable {
        /// Parameters and buffers, sent to workers.
        case versions
        /// Nodes of the gradient tree, received.
        case gradients
        /// Inputs of exchanges, received.
        case exchanges
        /// Answers to exchanges, sent.
        case answers

        /// The kind of a message; nil for what is small.
        init?(_ message: WireMessage) {
            switch MessageKind(rawValue: message.kind) {
            case .version: self = .versions
            case .deliverNode: self = .gradients
            case .exchange: self = .exchanges
            case .answer: self = .answers
            default: return nil
            }
        }
    }

    /// What has travelled of a kind.
    struct Count: Hashable, Sendable {
        var messages = 0
        var bytes = 0
        var duration = Duration.zero
    }

    private let state = Mutex([Count](repeating: Count(), count: Kind.allCases.count))

    /// A message has travelled.
    func count(_ message: WireMessage, taking duration: Duration) {
        guard let kind = Kind(message) else { return }
        let bytes = message.body.byteCount
        state.withLock { counts in
            counts[kind.rawValue].messages += 1
            counts[kind.rawValue].bytes += bytes
            counts[kind.rawValue].duration += duration
        }
    }

    /// The counts now, one for each kind.
    var counts: [Count] { state.withLock { $0 } }
}

extension StatusDocument.Transfer {
    /// What of a kind has travelled.
    init(_ kind: TrafficBoard.Kind, _ count: TrafficBoard.Count) {
        let seconds = count.duration / .seconds(1)
        self.init(
            name: "\(kind)", messages: count.messages, bytes: count.bytes, seconds: seconds,
            bytesPerSecond: seconds > 0 ? Double(count.bytes) / seconds : nil)
    }

    /// Every key at all times: a rate that cannot be told yet is null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(name, forKey: .name)
        try keys.encode(messages, forKey: .messages)
        try keys.encode(bytes, forKey: .bytes)
        try keys.encode(seconds, forKey: .seconds)
        try keys.encode(bytesPerSecond, forKey: .bytesPerSecond)
    }
}
