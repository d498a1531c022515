import Buffers

/// Cuts a message into frames, one at a time, without copying its large tensors.
///
/// Checksums are computed when a frame is asked for, so that summing one chunk can go on while
/// the kernel still sends the one before.
public struct MessageCutter: Sendable {
    /// The message.
    public let message: WireMessage
    /// The encoded size of its body in bytes.
    public let bodyByteCount: Int
    /// How many frames it takes.
    public let frameCount: Int

    private let headers: AlignedBuffer
    private var rest: ArraySlice<BufferSlice>
    private var remaining: Int
    private var nextIndex = 0

    /// Prepares the frames of `message`.
    public init(_ message: WireMessage) {
        self.message = message
        let pieces = message.body.gathered()
        let total = pieces.reduce(0) { $0 + $1.byteCount }
        bodyByteCount = total
        frameCount = (total + FrameHeader.chunkByteCount - 1) / FrameHeader.chunkByteCount
        precondition(frameCount <= Int(UInt32.max), "a message has fewer than 2^32 chunks")
        headers = AlignedBuffer(byteCount: frameCount * FrameHeader.byteCount)
        rest = pieces[...]
        remaining = total
    }

    /// The next frame as runs of memory, header first; nil after the last one.
    public mutating func nextFrame() -> [BufferSlice]? {
        guard nextIndex < frameCount else { return nil }
        var payload: [BufferSlice] = []
        var room = min(FrameHeader.chunkByteCount, remaining)
        remaining -= room
        let length = room
        var checksum: UInt32 = 0
        while room > 0, let piece = rest.popFirst() {
            let taken = piece.prefix(min(room, piece.byteCount))
            if taken.byteCount < piece.byteCount {
                rest = [piece.dropFirst(taken.byteCount)] + rest
            }
            checksum = taken.checksum(continuing: checksum)
            payload.append(taken)
            room -= taken.byteCount
        }
        let header = FrameHeader(
            message, chunkIndex: UInt32(nextIndex), chunkCount: UInt32(frameCount),
            payloadLength: UInt32(length), payloadChecksum: checksum)
        let place = BufferSlice(
            headers, byteOffset: nextIndex * FrameHeader.byteCount,
            byteCount: FrameHeader.byteCount)
        place.write(header.encoded())
        nextIndex += 1
        return [place] + payload
    }
}
