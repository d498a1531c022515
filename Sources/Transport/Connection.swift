public import Wire

/// A session with one peer over which whole messages travel, in order, both ways at once.
///
/// Nothing is resent or redialled behind the caller's back: an error other than
/// `.messageTooLarge`, `.sendQueueFull` or the cancellation of a send that has not begun ends the
/// connection, and every later call throws the reason.
public protocol Connection: AnyObject, Sendable {
    /// Who is on the other side, for people: "tls 10.0.0.5:41822", "ipc pid 8812".
    var peer: String { get }

    /// Whether the peer is on this machine.
    var isLoopback: Bool { get }

    /// Sends a message after those sent before it; returns when its last byte was handed to the
    /// stream, which does not mean that it arrived.
    ///
    /// The memory of the message's tensors is read until then and must not change. Cancelling a
    /// send that has begun closes the connection, since half a message cannot be taken back.
    func send(_ message: WireMessage) async throws(TransportError)

    /// The next message of the peer; its tensors are views of the memory it was received into.
    ///
    /// Waits without limit for a message to begin, and at most the stall limit for each further
    /// part of it. Cancelling closes the connection, since half a message may have been read.
    ///
    /// - Precondition: no other `receive` of this connection is waiting.
    func receive() async throws(TransportError) -> WireMessage

    /// How long the message that `receive` returned last took to arrive, from the header of its
    /// first frame to the last byte; zero before the first message.
    var lastReceiveTime: Duration { get }

    /// Allows the peer what `limits` say, once it has said who it is.
    ///
    /// Until then messages larger than `maxFirstBodyBytes` are refused.
    func raiseLimits(_ limits: ConnectionLimits)

    /// Ends the connection: waiting calls throw `.closed`. Never blocks; can be repeated.
    func close()
}

/// A place where peers connect.
public protocol Listener: Sendable {
    /// The address with the port in use, also where port 0 was asked for.
    var url: String { get }

    /// The next peer that connects.
    ///
    /// Cancelling ends the wait and leaves the listener usable; a peer that connects meanwhile is
    /// given to the next call.
    ///
    /// - Precondition: no other `accept` of this listener is waiting.
    func accept() async throws(TransportError) -> any Connection

    /// Stops listening: waiting calls throw `.closed`. Never blocks; can be repeated.
    func close()
}

/// A way to reach peers: the real one, or its twin in memory.
public protocol Network: Sendable {
    /// Begins to listen at `url`.
    func listen(_ url: String) async throws(TransportError) -> any Listener

    /// Connects to `url` in one attempt that ends after `timeout`.
    func dial(_ url: String, timeout: Duration) async throws(TransportError) -> any Connection
}

/// The bounds of a connection's memory and patience.
public struct ConnectionLimits: Equatable, Sendable {
    /// The largest body that is received or sent, in bytes.
    public var maxBodyBytes: Int
    /// The most bytes of messages that wait to be sent; one message may always wait.
    public var sendQueueBytes: Int
    /// The most messages that wait to be sent.
    public var sendQueueCount: Int
    /// How long a message under way may stand still before the peer is disconnected.
    public var stallLimit: Duration
    /// The largest body that is received before `raiseLimits` was called, in bytes.
    public var maxFirstBodyBytes: Int

    /// Limits; every default is that of `standard`.
    public init(
        maxBodyBytes: Int = 1 << 30, sendQueueBytes: Int = 256 << 20,
        sendQueueCount: Int = 1024, stallLimit: Duration = .seconds(10),
        maxFirstBodyBytes: Int = 4096
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.sendQueueBytes = sendQueueBytes
        self.sendQueueCount = sendQueueCount
        self.stallLimit = stallLimit
        self.maxFirstBodyBytes = maxFirstBodyBytes
    }

    /// 1 GiB a message, 256 MiB and 1,024 messages waiting, 10 s of stall, 4 KiB before the hello.
    public static let standard = ConnectionLimits()
}
