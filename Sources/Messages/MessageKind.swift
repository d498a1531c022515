/// What a frame carries: the `kind` field of its header (PROTOCOL.md, "Message kinds").
///
/// Requests lie below 0x0100, a reply to request kind k is 0x0100 + k, pushes begin at 0x0200.
/// Numbers are never reused.
public enum MessageKind: UInt16, Hashable, Sendable, CaseIterable {
    /// `Request.greet`
    case greet = 0x0001
    /// `Request.hello`
    case hello = 0x0002
    /// `Request.attach`
    case attach = 0x0003
    /// `Request.ready`
    case ready = 0x0004
    /// `Request.requestLease`
    case requestLease = 0x0005
    /// `Request.fetchVersion`
    case fetchVersion = 0x0006
    /// `Request.exchange`
    case exchange = 0x0007
    /// `Request.offerNode`
    case offerNode = 0x0008
    /// `Request.deliverNode`
    case deliverNode = 0x0009
    /// `Request.heartbeat`
    case heartbeat = 0x000a
    /// `Request.returnLease`
    case returnLease = 0x000b
    /// `Request.goodbye`
    case goodbye = 0x000c
    /// `Request.status`
    case status = 0x000d
    /// `Request.steer`
    case steer = 0x000e
    /// `Reply.accepted`, the one reply of all requests that only need to be heard.
    case accepted = 0x0100
    /// `Reply.greeting`
    case greeting = 0x0101
    /// `Reply.welcome`
    case welcome = 0x0102
    /// `Reply.lease`
    case lease = 0x0105
    /// `Reply.version`
    case version = 0x0106
    /// `Reply.answer`
    case answer = 0x0107
    /// `Reply.verdict`
    case verdict = 0x0108
    /// `Reply.status`
    case statusDocument = 0x010d
    /// `Reply.refused`
    case refused = 0x01ff
    /// `Push.abandon`
    case abandon = 0x0200
    /// `Push.over`
    case over = 0x0201

    /// Who sends messages of a kind, and when.
    public enum Family: Hashable, Sendable {
        /// From a worker or client to the coordinator.
        case request
        /// From the coordinator, in answer to a request.
        case reply
        /// From the coordinator, unasked.
        case push
    }

    /// Who sends messages of this kind.
    public var family: Family {
        switch rawValue {
        case 0..<0x0100: .request
        case 0x0100..<0x0200: .reply
        default: .push
        }
    }

    /// The name as it stands in PROTOCOL.md and in the vectors' file names.
    public var name: String { "\(self)" }
}
