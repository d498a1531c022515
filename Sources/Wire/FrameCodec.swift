/// Whole messages to bytes and back, for golden frames, recordings and tests.
///
/// Connections use `MessageCutter` and `MessageAssembler`, on which this stands, and copy nothing.
public enum FrameCodec {
    /// The frames of a message, each with its header.
    public static func encode(_ message: WireMessage) -> [[UInt8]] {
        var cutter = MessageCutter(message)
        var frames: [[UInt8]] = []
        while let frame = cutter.nextFrame() {
            frames.append(frame.reduce(into: []) { $0 += $1.copied() })
        }
        return frames
    }

    /// The message whose frames these are, one array a frame.
    ///
    /// - Throws: `WireError`; `.truncated` if frames are missing, `.trailingBytes` if there are
    ///   bytes after the last.
    public static func decode(
        _ frames: [[UInt8]], limits: WireLimits = .standard
    ) throws(WireError) -> WireMessage {
        var bytes: [UInt8] = []
        // All at once, or growing would hold several times as much.
        bytes.reserveCapacity(frames.reduce(0) { $0 + $1.count })
        for frame in frames { bytes += frame }
        return try decode(bytes, limits: limits)
    }

    /// The message whose frames follow each other in `bytes`, and nothing else.
    ///
    /// - Throws: `WireError`; `.truncated` if bytes are missing, `.trailingBytes` if there are
    ///   more.
    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = .standard
    ) throws(WireError) -> WireMessage {
        var assembler = MessageAssembler()
        var rest = bytes[...]
        while true {
            let header = try FrameHeader(decoding: Array(rest.prefix(FrameHeader.byteCount)))
            rest = rest.dropFirst(FrameHeader.byteCount)
            let length = Int(header.payloadLength)
            guard length <= rest.count else {
                throw .truncated(field: "payload", needed: length, available: rest.count)
            }
            let target = try assembler.accept(header, maxBodyBytes: limits.maxBodyBytes)
            target.write(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
            guard let message = try assembler.finishChunk(limits: limits) else { continue }
            guard rest.isEmpty else { throw .trailingBytes(rest.count) }
            return message
        }
    }
}
