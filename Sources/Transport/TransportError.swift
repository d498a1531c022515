public import Wire

/// Why a connection could not be made or went down.
///
/// Each case says what happened and where; `description` adds what to do about it.
public enum TransportError: Error, Equatable, Sendable {
    /// The URL is not one that can be listened on or dialled.
    case invalidURL(url: String, problem: String)
    /// The URL's kind of transport is not available in this program.
    case unsupported(url: String, problem: String)
    /// Nobody answers at the URL.
    case unreachable(url: String, problem: String)
    /// Somebody else listens at the URL already.
    case addressInUse(url: String)
    /// The system does not permit it (a privileged port, a socket file of another user).
    case notPermitted(url: String)
    /// A wait reached its limit.
    case timedOut(what: String, peer: String, after: Duration)
    /// This side closed the connection or the listener.
    case closed(peer: String)
    /// The other side closed the connection or died; `midMessage` if a message was half sent.
    case closedByPeer(peer: String, midMessage: Bool)
    /// The peer neither took nor gave a byte for the stall limit, with a message under way.
    case peerStalled(peer: String, after: Duration)
    /// TLS: one side's certificate does not satisfy the other.
    case notTrusted(peer: String, problem: String)
    /// TLS: the peer closed the connection before the two had agreed on keys.
    case handshakeEnded(peer: String)
    /// Certificate or key of this side cannot be used for TLS.
    case unusableIdentity(url: String, problem: String)
    /// The peer sent bytes that are not a valid frame.
    case frame(WireError, peer: String)
    /// The message is larger than the connection allows; nothing of it was sent.
    case messageTooLarge(peer: String, byteCount: Int, limit: Int)
    /// Too much waits to be sent already; nothing of this message was sent.
    case sendQueueFull(peer: String, queuedBytes: Int, limit: Int)
    /// The waiting task was cancelled.
    case cancelled(peer: String)
    /// The system ran out of descriptors or memory.
    case outOfResources(what: String, problem: String)
    /// Any other failure that the system reported.
    case system(what: String, problem: String)
}

extension TransportError: CustomStringConvertible {
    /// A sentence that says what, where, and what to do.
    public var description: String {
        switch self {
        case .invalidURL(let url, let problem):
            "'\(url)' is not a usable address (\(problem)): write tls+tcp://HOST:PORT, "
                + "tcp://HOST:PORT or ipc:///PATH"
        case .unsupported(let url, let problem):
            "'\(url)' cannot be used: \(problem)"
        case .unreachable(let url, let problem):
            "nobody answers at \(url) (\(problem)): check the address and that it is running"
        case .addressInUse(let url):
            "\(url) is in use by another program: stop it, or choose another address"
        case .notPermitted(let url):
            "the system does not permit \(url): choose a port above 1023 or check file permissions"
        case .timedOut(let what, let peer, let limit):
            "\(what) \(peer) took longer than \(limit): check the network and the other side"
        case .closed(let peer):
            "the connection to \(peer) has been closed by this side: connect again"
        case .closedByPeer(let peer, let midMessage):
            "\(peer) closed the connection\(midMessage ? " in the middle of a message" : ""): "
                + "connect again, or see its log for the reason"
        case .peerStalled(let peer, let limit):
            "\(peer) let a message stand still for \(limit) and was disconnected: "
                + "check whether it is stopped or overloaded"
        case .notTrusted(let peer, let problem):
            "\(peer) and this side do not trust each other's certificates (\(problem)): both need "
                + "keys of the same authority that have not expired, and the coordinator one of "
                + "role coordinator; see 'pleiad keys --help'"
        case .handshakeEnded(let peer):
            "\(peer) closed the connection before encryption was agreed: it may not speak TLS, not "
                + "accept this side's certificate, or be closing; see its log for the reason"
        case .unusableIdentity(let url, let problem):
            "\(url) cannot be used with these keys (\(problem)): give a directory that "
                + "'pleiad keys issue' has made, with --keys"
        case .frame(let error, let peer):
            "\(peer) was disconnected: \(error); check that it speaks this protocol"
        case .messageTooLarge(let peer, let byteCount, let limit):
            "a message of \(byteCount) bytes for \(peer) is above the limit of \(limit): "
                + "send it in parts"
        case .sendQueueFull(let peer, let queuedBytes, let limit):
            "\(queuedBytes) bytes wait to be sent to \(peer) already, the limit is \(limit): "
                + "wait for earlier sends"
        case .cancelled(let peer):
            "waiting for \(peer) was cancelled"
        case .outOfResources(let what, let problem):
            "\(what) failed (\(problem)): raise the limit of open files or free memory"
        case .system(let what, let problem):
            "\(what) failed: \(problem)"
        }
    }
}
