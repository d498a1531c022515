public import Buffers

/// A run of bytes in a buffer: what a stream sends from or receives into, without a copy.
public struct BufferSlice: Sendable {
    /// The memory.
    public let buffer: AlignedBuffer
    /// Where the run begins.
    public let byteOffset: Int
    /// How long it is.
    public let byteCount: Int

    /// A run of `buffer`.
    ///
    /// - Precondition: the run lies within the buffer.
    public init(_ buffer: AlignedBuffer, byteOffset: Int = 0, byteCount: Int) {
        precondition(
            byteOffset >= 0 && byteCount >= 0 && byteCount <= buffer.byteCount
                && byteOffset <= buffer.byteCount - byteCount,
            "a slice lies within its buffer")
        self.buffer = buffer
        self.byteOffset = byteOffset
        self.byteCount = byteCount
    }

    /// The whole of `buffer`.
    public init(_ buffer: AlignedBuffer) {
        self.init(buffer, byteCount: buffer.byteCount)
    }

    /// A copy of `bytes` in a buffer of its own.
    public init(copying bytes: [UInt8]) {
        let buffer = AlignedBuffer(uninitializedByteCount: bytes.count)
        self.init(buffer)
        write(bytes)
    }

    /// The run without its first `count` bytes.
    ///
    /// - Precondition: it has that many.
    public func dropFirst(_ count: Int) -> BufferSlice {
        BufferSlice(buffer, byteOffset: byteOffset + count, byteCount: byteCount - count)
    }

    /// The first `count` bytes of the run.
    ///
    /// - Precondition: it has that many.
    public func prefix(_ count: Int) -> BufferSlice {
        precondition(count <= byteCount, "a prefix is no longer than the slice")
        return BufferSlice(buffer, byteOffset: byteOffset, byteCount: count)
    }

    /// CRC-32C of the bytes, going on from the checksum of the bytes before them.
    public func checksum(continuing state: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(
            buffer.bytes.extracting(byteOffset..<(byteOffset + byteCount)), continuing: state)
    }

    /// A copy of the bytes.
    public func copied() -> [UInt8] {
        unsafe buffer.withUnsafeBytes { all in
            unsafe Array(all[byteOffset..<(byteOffset + byteCount)])
        }
    }

    /// Overwrites the beginning of the run with `bytes`; only while nobody else reads it.
    ///
    /// - Precondition: the bytes fit.
    public func write(_ bytes: [UInt8]) {
        precondition(bytes.count <= byteCount, "bytes fit the slice that they are written to")
        unsafe buffer.withUnsafeMutableBytes { all in
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: all[byteOffset..<(byteOffset + bytes.count)])
            unsafe target.copyBytes(from: bytes)
        }
    }

    /// Copies as many bytes of `source` as fit to the beginning of the run.
    ///
    /// - Returns: how many bytes were copied.
    public func copy(from source: BufferSlice) -> Int {
        let count = min(byteCount, source.byteCount)
        unsafe buffer.withUnsafeMutableBytes { all in
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: all[byteOffset..<(byteOffset + count)])
            unsafe source.buffer.withUnsafeBytes { from in
                let run = source.byteOffset..<(source.byteOffset + count)
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: from[run]))
            }
        }
        return count
    }

    /// Whether every byte is zero.
    public var isZero: Bool {
        unsafe buffer.withUnsafeBytes { all in
            unsafe all[byteOffset..<(byteOffset + byteCount)].allSatisfy { $0 == 0 }
        }
    }

    /// Whether both runs hold the same bytes.
    public func hasSameBytes(as other: BufferSlice) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe buffer.withUnsafeBytes { mine in
            unsafe other.buffer.withUnsafeBytes { theirs in
                unsafe mine[byteOffset..<(byteOffset + byteCount)].elementsEqual(
                    theirs[other.byteOffset..<(other.byteOffset + byteCount)])
            }
        }
    }
}
