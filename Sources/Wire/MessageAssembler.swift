public import Buffers

/// Puts the chunks of one message together, in one buffer, as their frames arrive.
///
/// For every frame: `accept` its header, read the payload into the slice that it returns, then
/// call `finishChunk`, which gives the message after the last chunk. The buffer is allocated at
/// the first chunk, after the size of the whole message was compared with the limit: a message of
/// n chunks has more than (n - 1) MiB and at most n MiB.
public struct MessageAssembler: Sendable {
    /// From this size on memory comes from the pool: below it the system's allocator is as fast.
    static let pooledFromByteCount = 64 << 10

    private let pool: BufferPool?
    private var first: FrameHeader?
    private var current: FrameHeader?
    private var target: BufferSlice?
    private var buffer: AlignedBuffer?
    private var received = 0

    /// An assembler that waits for the first chunk of a message.
    ///
    /// - Parameter pool: where the memory of large messages comes from and returns to when nobody
    ///   looks at the message any more; fresh pages cost more than receiving into them.
    public init(pool: BufferPool? = nil) {
        self.pool = pool
    }

    /// Whether chunks of the message will follow the one accepted last.
    public var expectsMoreChunks: Bool {
        guard let current else { return false }
        return current.chunkIndex + 1 < current.chunkCount
    }

    /// Takes the header of the next frame and says where its payload goes.
    ///
    /// - Parameter maxBodyBytes: the limit of the whole body.
    /// - Throws: `.overLimit` or `.chunkOutOfPlace`.
    public mutating func accept(
        _ header: FrameHeader, maxBodyBytes: Int
    ) throws(WireError) -> BufferSlice {
        if let first {
            try checkContinuation(header, of: first)
        } else {
            try begin(header, maxBodyBytes: maxBodyBytes)
        }
        let length = Int(header.payloadLength)
        guard let buffer, length <= buffer.byteCount - received else {
            throw .overLimit(
                field: "body length", value: UInt64(received + length), limit: maxBodyBytes)
        }
        let slice = BufferSlice(buffer, byteOffset: received, byteCount: length)
        current = header
        target = slice
        return slice
    }

    /// Checks the payload that was read, and gives the message if it is complete.
    ///
    /// - Throws: `.payloadChecksum`, or what decoding the body throws.
    /// - Precondition: `accept` was called for this chunk and its slice is filled.
    public mutating func finishChunk(limits: WireLimits) throws(WireError) -> WireMessage? {
        guard let header = current, let target, let buffer else {
            preconditionFailure("a chunk is finished after its header was accepted")
        }
        let computed = target.checksum()
        guard computed == header.payloadChecksum else {
            throw .payloadChecksum(stated: header.payloadChecksum, computed: computed)
        }
        received += target.byteCount
        guard header.chunkIndex == header.chunkCount - 1 else { return nil }
        let byteCount = received
        self = MessageAssembler(pool: pool)
        let body = try MessageBody(decoding: buffer, byteCount: byteCount, limits: limits)
        return WireMessage(header, body: body)
    }

    private mutating func begin(_ header: FrameHeader, maxBodyBytes: Int) throws(WireError) {
        guard header.chunkIndex == 0 else {
            throw .chunkOutOfPlace(
                field: "chunk index", expected: 0, found: UInt64(header.chunkIndex))
        }
        let chunks = Int(header.chunkCount)
        let atLeast =
            chunks == 1
            ? Int(header.payloadLength) : (chunks - 1) * FrameHeader.chunkByteCount + 1
        guard atLeast <= maxBodyBytes else {
            throw .overLimit(
                field: "body length", value: UInt64(atLeast), limit: maxBodyBytes)
        }
        let atMost = chunks == 1 ? atLeast : chunks * FrameHeader.chunkByteCount
        let byteCount = min(atMost, maxBodyBytes)
        buffer =
            byteCount < Self.pooledFromByteCount
            ? AlignedBuffer(uninitializedByteCount: byteCount)
            : pool?.uninitialized(byteCount: byteCount)
                ?? AlignedBuffer(uninitializedByteCount: byteCount)
        first = header
    }

    /// A later chunk repeats the first one's header but for its index, length and checksums.
    private func checkContinuation(
        _ header: FrameHeader, of first: FrameHeader
    ) throws(WireError) {
        let expectedIndex = (current?.chunkIndex ?? 0) + 1
        let pairs: [(String, UInt64, UInt64)] = [
            ("chunk index", UInt64(expectedIndex), UInt64(header.chunkIndex)),
            ("chunk count", UInt64(first.chunkCount), UInt64(header.chunkCount)),
            ("minor version", UInt64(first.minor), UInt64(header.minor)),
            ("kind", UInt64(first.kind), UInt64(header.kind)),
            ("flags", UInt64(first.flags), UInt64(header.flags)),
            ("incarnation", first.incarnation, header.incarnation),
            ("request id", first.requestID, header.requestID),
            ("step", first.step, header.step),
            ("slice", UInt64(first.slice), UInt64(header.slice)),
        ]
        for (field, expected, found) in pairs where expected != found {
            throw .chunkOutOfPlace(field: field, expected: expected, found: found)
        }
    }
}
