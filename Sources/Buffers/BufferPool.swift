import Synchronization

/// Memory that is used again from step to step, so that a steady step allocates nothing.
///
/// A buffer's memory returns here when its last owner lets go of it, on whatever thread, and the
/// next request of the same size gets the block that returned last: it is still in the cache.
/// Free memory is bounded by `freeBytesMax`; what would exceed it goes back to the system.
public final class BufferPool: Sendable {
    /// How a pool has been used.
    public struct Counts: Equatable, Sendable {
        /// Blocks of memory obtained from the system so far.
        public var allocations = 0
        /// Requests answered so far.
        public var requests = 0
        /// Bytes that lie ready for the next request.
        public var freeBytes = 0
    }

    private struct State {
        var counts = Counts()
        /// Free blocks by capacity, the one that returned last at the end.
        var free: [Int: [MemoryBlock]] = [:]
    }

    /// The most free bytes that a pool keeps, 1 GiB: some dozens of slices' activations.
    public static let freeBytesMaxDefault = 1 << 30

    private let freeBytesMax: Int
    private let state = Mutex(State())

    /// Makes an empty pool that keeps at most so many free bytes.
    public init(freeBytesMax: Int = BufferPool.freeBytesMaxDefault) {
        self.freeBytesMax = freeBytesMax
    }

    deinit {
        state.withLock { state in
            for blocks in state.free.values {
                for block in blocks { block.free() }
            }
        }
    }

    /// The counts so far.
    public var counts: Counts { state.withLock { $0.counts } }

    /// Hands out a buffer whose contents are unspecified: they must be written before being read.
    public func uninitialized(byteCount: Int) -> AlignedBuffer {
        precondition(byteCount >= 0, "a buffer of \(byteCount) bytes")
        let capacity = Self.capacity(for: byteCount)
        let recycled = state.withLock { state -> MemoryBlock? in
            state.counts.requests += 1
            if let block = state.free[capacity]?.popLast() {
                state.counts.freeBytes -= capacity
                return block
            }
            state.counts.allocations += 1
            return nil
        }
        let block = recycled ?? MemoryBlock(capacity: capacity)
        return AlignedBuffer(block, byteCount: byteCount, pool: self)
    }

    /// Hands out a buffer whose bytes are all zero.
    public func zeroed(byteCount: Int) -> AlignedBuffer {
        let buffer = uninitialized(byteCount: byteCount)
        buffer.clear()
        return buffer
    }

    func takeBack(_ block: MemoryBlock) {
        let isKept = state.withLock { state -> Bool in
            guard state.counts.freeBytes + block.capacity <= freeBytesMax else { return false }
            state.counts.freeBytes += block.capacity
            state.free[block.capacity, default: []].append(block)
            return true
        }
        if !isKept { block.free() }
    }

    /// Sizes are rounded up so that tensors of nearly one size share blocks: to 64 bytes, and
    /// above 16 KiB to an eighth of the next power of two (at most 12.5 % unused).
    static func capacity(for byteCount: Int) -> Int {
        let step: Int
        if byteCount <= 16 << 10 {
            step = MemoryBlock.alignment
        } else {
            let topBit = Int.bitWidth - 1 - byteCount.leadingZeroBitCount
            step = 1 << (topBit - 3)
        }
        return max(MemoryBlock.alignment, (byteCount + step - 1) / step * step)
    }
}
