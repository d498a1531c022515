/// A whole message: the header's fields that belong to it, and its body.
public struct WireMessage: Sendable {
    /// What message this is; the numbers are in `Messages`.
    public var kind: UInt16
    /// Flag bits; see `FrameHeader.mustUnderstand`.
    public var flags: UInt16
    /// The sender's incarnation, or 0 before it has one.
    public var incarnation: UInt64
    /// Names the request, and its reply, within an incarnation.
    public var requestID: UInt64
    /// The step that the message is about, or 0.
    public var step: UInt64
    /// The slice that the message is about, or 0.
    public var slice: UInt32
    /// Fields and tensors.
    public var body: MessageBody

    /// A message.
    public init(
        kind: UInt16, flags: UInt16 = 0, incarnation: UInt64 = 0, requestID: UInt64 = 0,
        step: UInt64 = 0, slice: UInt32 = 0, body: MessageBody = MessageBody()
    ) {
        self.kind = kind
        self.flags = flags
        self.incarnation = incarnation
        self.requestID = requestID
        self.step = step
        self.slice = slice
        self.body = body
    }

    /// The message whose header fields are those of `header`.
    public init(_ header: FrameHeader, body: MessageBody) {
        self.init(
            kind: header.kind, flags: header.flags, incarnation: header.incarnation,
            requestID: header.requestID, step: header.step, slice: header.slice, body: body)
    }
}
