/// What goes wrong in one direction of a link in memory.
///
/// Byte positions count from the beginning of the link; so a test can cut at any byte of a frame.
public struct LinkFaults: Sendable {
    /// After so many bytes the whole link is cut: the reader gets them, then the end.
    public var cutAfter: Int?
    /// Bytes past this one are accepted from the writer and never delivered.
    public var swallowAfter: Int?
    /// While true nothing is delivered, not even that the other side closed; once the buffer is
    /// full the writer waits.
    public var isHalfOpen = false
    /// The most bytes that one read gives.
    public var bytesPerRead: Int?
    /// Awaited before every read: delays, and the steps of a simulated clock.
    public var beforeRead: (@Sendable () async -> Void)?
    /// How many bytes are buffered between writer and reader, as in a socket.
    public var capacity = 256 << 10

    /// No faults.
    public init() {}
}

/// Both directions of a link in memory.
public struct LinkPlan: Sendable {
    /// From the side that dialled to the side that listened.
    public var outbound = LinkFaults()
    /// From the side that listened to the side that dialled.
    public var inbound = LinkFaults()

    /// A link without faults.
    public init() {}

    /// A link with these faults.
    public init(outbound: LinkFaults, inbound: LinkFaults) {
        self.outbound = outbound
        self.inbound = inbound
    }
}
