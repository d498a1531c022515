/// Memory aligned to 64 bytes that tensors compute in and the wire sends from and receives into.
///
/// Memory of 1 MiB and more comes from anonymous mappings, which the system hands over zeroed
/// and takes back at once. A buffer of a `BufferPool` returns its memory there.
///
/// Proof of `Sendable`: a buffer is written only while one owner holds it. A tensor writes only
/// where its reference is unique (copy on write), a receiver writes only before it hands the
/// buffer over; everybody else reads. Allocation failure traps: nothing can go on without it.
@safe public final class AlignedBuffer: @unchecked Sendable {
    /// The number of bytes that may be used.
    public let byteCount: Int

    fileprivate let block: MemoryBlock
    /// Where the memory goes when the last owner lets go of it; `nil` frees it.
    let pool: BufferPool?

    /// Makes a buffer whose bytes are all zero.
    public convenience init(byteCount: Int) {
        let block = MemoryBlock(capacity: byteCount)
        block.clear(byteCount)
        self.init(block, byteCount: byteCount, pool: nil)
    }

    /// Makes a buffer whose contents are unspecified: every byte must be written before it is read.
    public convenience init(uninitializedByteCount byteCount: Int) {
        self.init(MemoryBlock(capacity: byteCount), byteCount: byteCount, pool: nil)
    }

    /// Maps an open file: its bytes are read when they are touched, and given up again by the
    /// system when memory is short.
    ///
    /// What is written to the buffer stays in this process. A file that is cut while it is mapped
    /// ends the process when the lost bytes are touched (SIGBUS), as with any mapping.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading; it may be closed afterwards.
    ///   - byteCount: at most the file's size.
    /// - Returns: nil if the system refuses; `errno` says why.
    public static func mapping(descriptor: Int32, byteCount: Int) -> AlignedBuffer? {
        guard byteCount > 0 else { return AlignedBuffer(byteCount: 0) }
        guard let block = MemoryBlock(mapping: descriptor, byteCount: byteCount) else {
            return nil
        }
        return AlignedBuffer(block, byteCount: byteCount, pool: nil)
    }

    init(_ block: MemoryBlock, byteCount: Int, pool: BufferPool?) {
        precondition(byteCount >= 0 && byteCount <= block.capacity, "buffer exceeds its memory")
        self.block = block
        self.byteCount = byteCount
        self.pool = pool
    }

    deinit {
        guard let pool else { return block.free() }
        pool.takeBack(block)
    }

    var base: UnsafeMutableRawPointer { unsafe block.base }

    /// All bytes, for reading.
    public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            let all = unsafe RawSpan(_unsafeStart: base, byteCount: byteCount)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// All bytes, for writing; only while this reference is the only one.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(borrow self) get {
            let all = unsafe MutableRawSpan(_unsafeStart: base, byteCount: byteCount)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// The bytes as floats (a remainder of fewer than four bytes is left out).
    public var floats: Span<Float> {
        @_lifetime(borrow self) get {
            let start = unsafe UnsafePointer(base.assumingMemoryBound(to: Float.self))
            let all = unsafe Span(_unsafeStart: start, count: byteCount / 4)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// The bytes as floats, for writing; only while this reference is the only one.
    public var mutableFloats: MutableSpan<Float> {
        @_lifetime(borrow self) get {
            let start = unsafe base.assumingMemoryBound(to: Float.self)
            let all = unsafe MutableSpan(_unsafeStart: start, count: byteCount / 4)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// The bytes as 16-bit words (an odd byte at the end is left out).
    public var halves: Span<UInt16> {
        @_lifetime(borrow self) get {
            let start = unsafe UnsafePointer(base.assumingMemoryBound(to: UInt16.self))
            let all = unsafe Span(_unsafeStart: start, count: byteCount / 2)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// The bytes as 16-bit words, for writing; only while this reference is the only one.
    public var mutableHalves: MutableSpan<UInt16> {
        @_lifetime(borrow self) get {
            let start = unsafe base.assumingMemoryBound(to: UInt16.self)
            let all = unsafe MutableSpan(_unsafeStart: start, count: byteCount / 2)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// A buffer of unspecified contents from where this one's memory came: its pool, if it has one.
    public func uninitializedSibling(byteCount: Int) -> AlignedBuffer {
        pool?.uninitialized(byteCount: byteCount)
            ?? AlignedBuffer(uninitializedByteCount: byteCount)
    }

    /// Gives the bytes to a seam file (sockets, files) for the length of a call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// Gives the bytes to a seam file for writing; only while this reference is the only one.
    public func withUnsafeMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }
}

extension AlignedBuffer {
    /// Zeroes all bytes; only while this reference is the only one.
    func clear() { block.clearAgain(byteCount) }
}
