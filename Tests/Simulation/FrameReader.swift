import Buffers
import Wire

/// Bytes as they arrive to messages, by the program's own header and assembler.
struct FrameReader {
    private static let limits = WireLimits(maxBodyBytes: 1 << 20)

    private var bytes: [UInt8] = []
    private var assembler = MessageAssembler()
    private var target: BufferSlice?

    /// Takes bytes in and returns the messages that they complete.
    ///
    /// - Throws: what a connection would end with.
    mutating func take(_ new: [UInt8]) throws(WireError) -> [WireMessage] {
        bytes += new
        var messages: [WireMessage] = []
        while true {
            if let target {
                guard bytes.count >= target.byteCount else { return messages }
                target.write(Array(bytes.prefix(target.byteCount)))
                bytes.removeFirst(target.byteCount)
                self.target = nil
                if let message = try assembler.finishChunk(limits: Self.limits) {
                    messages.append(message)
                }
            } else {
                guard bytes.count >= FrameHeader.byteCount else { return messages }
                let header = try FrameHeader(
                    decoding: Array(bytes.prefix(FrameHeader.byteCount)))
                bytes.removeFirst(FrameHeader.byteCount)
                target = try assembler.accept(header, maxBodyBytes: Self.limits.maxBodyBytes)
            }
        }
    }
}

extension WireMessage {
    /// The message as it travels.
    var encoded: [UInt8] { FrameCodec.encode(self).reduce(into: []) { $0 += $1 } }
}
