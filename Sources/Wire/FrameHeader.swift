import Buffers

/// The 64 bytes before every chunk on the wire (`proto/PROTOCOL.md`, "Header").
///
/// All fields are little-endian and naturally aligned. Decoding checks the magic and the header's
/// own checksum first, so no length is believed that has not arrived as it was sent.
public struct FrameHeader: Equatable, Sendable {
    /// The header's size in bytes, in every minor version of protocol 1.
    public static let byteCount = 64
    /// "PLDF" as bytes on the wire.
    public static let magic: UInt32 = 0x4644_4c50
    /// The major version that this program speaks; another one is refused.
    public static let currentMajor: UInt8 = 1
    /// The minor version that this program speaks; a newer one is accepted.
    public static let currentMinor: UInt8 = 0
    /// The largest payload of a frame, and the exact payload of every chunk but the last: 1 MiB.
    public static let chunkByteCount = 1 << 20
    /// Flag bit 15: a receiver that does not know the kind must refuse, not ignore, the message.
    public static let mustUnderstand: UInt16 = 0x8000

    /// The sender's major version.
    public var major: UInt8 = currentMajor
    /// The sender's minor version.
    public var minor: UInt8 = currentMinor
    /// What message this is; the numbers are in `Messages`.
    public var kind: UInt16
    /// Flag bits of the message.
    public var flags: UInt16
    /// The place of this chunk in its message, from 0.
    public var chunkIndex: UInt32
    /// The sender's incarnation, or 0 before it has one.
    public var incarnation: UInt64
    /// Names the request, and its reply, within an incarnation.
    public var requestID: UInt64
    /// The step that the message is about, or 0.
    public var step: UInt64
    /// The slice that the message is about, or 0.
    public var slice: UInt32
    /// How many chunks the message has, at least 1.
    public var chunkCount: UInt32
    /// The bytes of payload that follow this header, at most `chunkByteCount`.
    public var payloadLength: UInt32
    /// CRC-32C of the payload.
    public var payloadChecksum: UInt32

    /// A header for one chunk of `message`.
    public init(
        _ message: WireMessage, chunkIndex: UInt32, chunkCount: UInt32, payloadLength: UInt32,
        payloadChecksum: UInt32
    ) {
        kind = message.kind
        flags = message.flags
        incarnation = message.incarnation
        requestID = message.requestID
        step = message.step
        slice = message.slice
        self.chunkIndex = chunkIndex
        self.chunkCount = chunkCount
        self.payloadLength = payloadLength
        self.payloadChecksum = payloadChecksum
    }

    /// The 64 bytes, with their checksum at the end.
    public func encoded() -> [UInt8] {
        var writer = FieldWriter()
        writer.u32(Self.magic)
        writer.u8(major)
        writer.u8(minor)
        writer.u16(kind)
        writer.u16(flags)
        writer.u16(UInt16(Self.byteCount))
        writer.u32(chunkIndex)
        writer.u64(incarnation)
        writer.u64(requestID)
        writer.u64(step)
        writer.u32(slice)
        writer.u32(chunkCount)
        writer.u32(payloadLength)
        writer.u32(payloadChecksum)
        writer.u32(0)
        writer.u32(CRC32C.checksum(writer.bytes))
        precondition(writer.bytes.count == Self.byteCount, "a header is 64 bytes")
        return writer.bytes
    }

    /// Reads a header and checks everything that can be checked without its message.
    ///
    /// - Parameter bytes: at least 64 bytes; only the first 64 are read.
    /// - Throws: `WireError`; the magic is checked first, then the checksum, then the rest.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count >= Self.byteCount else {
            throw .truncated(field: "header", needed: Self.byteCount, available: bytes.count)
        }
        var reader = FieldReader(Array(bytes[..<Self.byteCount]))
        let magic = try reader.u32("magic")
        guard magic == Self.magic else { throw .notPleiad(magic: magic) }
        let computed = CRC32C.checksum(Array(bytes[..<(Self.byteCount - 4)]))
        var trailer = FieldReader(Array(bytes[(Self.byteCount - 4)..<Self.byteCount]))
        let stated = try trailer.u32("header checksum")
        guard stated == computed else {
            throw .headerChecksum(stated: stated, computed: computed)
        }
        major = try reader.u8("major version")
        guard major == Self.currentMajor else { throw .unsupportedMajor(major) }
        minor = try reader.u8("minor version")
        kind = try reader.u16("kind")
        flags = try reader.u16("flags")
        let headerLength = try reader.u16("header length")
        guard headerLength == UInt16(Self.byteCount) else {
            throw .header(field: "header length", value: UInt64(headerLength))
        }
        chunkIndex = try reader.u32("chunk index")
        incarnation = try reader.u64("incarnation")
        requestID = try reader.u64("request id")
        step = try reader.u64("step")
        slice = try reader.u32("slice")
        chunkCount = try reader.u32("chunk count")
        payloadLength = try reader.u32("payload length")
        payloadChecksum = try reader.u32("payload checksum")
        let reserved = try reader.u32("reserved")
        guard reserved == 0 else { throw .header(field: "reserved", value: UInt64(reserved)) }
        try checkChunk()
    }

    /// Every chunk but the last is full; the last has what is left, at least one byte.
    private func checkChunk() throws(WireError) {
        guard chunkCount >= 1 else { throw .header(field: "chunk count", value: 0) }
        guard chunkIndex < chunkCount else {
            throw .header(field: "chunk index", value: UInt64(chunkIndex))
        }
        let isLast = chunkIndex == chunkCount - 1
        let allowed =
            isLast
            ? 1...UInt32(Self.chunkByteCount)
            : UInt32(Self.chunkByteCount)...UInt32(Self.chunkByteCount)
        guard allowed.contains(payloadLength) else {
            throw .header(field: "payload length", value: UInt64(payloadLength))
        }
    }
}
