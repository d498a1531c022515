import Synchronization

/// Memory that is used again from step to step, so that a steady step allocates nothing.
///
/// A buffer's memory returns here when its last owner lets go of it, on whatever thread, and the
/// next request of the same size gets the block that returned last: it is still in the cache.
/// Free memory is bounded by `freeBytesMax`, or by two of the largest block that was ever asked for
/// where that is more; what would exceed it goes back to the system, other sizes first.
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

    /// Free blocks of one capacity.
    private struct Shelf {
        /// The one that returned last at the end.
        var blocks: [MemoryBlock] = []
        /// The fewest that lay here at a time in the present span: so many are not needed.
        var idle = 0
        /// The same in the span before.
        var formerIdle = 0

        mutating func pop() -> MemoryBlock? {
            guard let block = blocks.popLast() else { return nil }
            idle = min(idle, blocks.count)
            return block
        }

        /// Ends a span: takes out what was not needed in it nor in the one before, oldest first.
        mutating func shed() -> [MemoryBlock] {
            let surplus = min(idle, formerIdle)
            defer {
                blocks.removeFirst(surplus)
                formerIdle = idle - surplus
                idle = blocks.count
            }
            return Array(blocks.prefix(surplus))
        }
    }

    private struct State {
        var counts = Counts()
        /// Free blocks by capacity.
        var free: [Int: Shelf] = [:]
        /// The largest block that was asked for: two of them may always lie ready, or the largest
        /// messages would come in fresh pages each time, which costs a third of their speed.
        var largest = 0
        /// Pieces of work that have ended in the present span.
        var pieces = 0

        /// Ends a span.
        mutating func shed() -> [MemoryBlock] {
            var surplus: [MemoryBlock] = []
            for capacity in free.keys.sorted() {
                let blocks = free[capacity]?.shed() ?? []
                counts.freeBytes -= capacity * blocks.count
                surplus += blocks
            }
            return surplus
        }

        /// Makes room for a block by letting go of the smallest ones of other sizes.
        ///
        /// Returns the blocks to free; nil if there is no room for one more.
        mutating func makeRoom(_ capacity: Int, freeBytesMax: Int) -> [MemoryBlock]? {
            let bound = max(freeBytesMax, 2 * largest)
            var removed: [MemoryBlock] = []
            guard counts.freeBytes + capacity > bound else { return removed }
            let own = capacity * ((free[capacity]?.blocks.count ?? 0) + 1)
            guard own <= bound else { return nil }
            for size in free.keys.sorted() where size != capacity {
                while counts.freeBytes + capacity > bound, let block = free[size]?.pop() {
                    counts.freeBytes -= size
                    removed.append(block)
                }
            }
            return removed
        }
    }

    /// The most free bytes that a pool keeps, 1 GiB: some dozens of slices' activations.
    public static let freeBytesMaxDefault = 1 << 30

    /// Pieces of work in a span: seconds of slices, so that a fault here and there costs no
    /// allocations, and far less than the minutes between two of them.
    public static let piecesInSpan = 64
    /// For less than so many bytes the allocator is not gone through, which takes milliseconds.
    private static let trimBytesMin = 1 << 20

    private let freeBytesMax: Int
    private let state = Mutex(State())

    /// Makes an empty pool that keeps at most so many free bytes.
    public init(freeBytesMax: Int = BufferPool.freeBytesMaxDefault) {
        self.freeBytesMax = freeBytesMax
    }

    deinit {
        state.withLock { state in
            for shelf in state.free.values {
                for block in shelf.blocks { block.free() }
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
            state.largest = max(state.largest, capacity)
            if let block = state.free[capacity]?.pop() {
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

    /// Notes the end of a piece of steady work, such as a slice.
    ///
    /// After a span of so many pieces, free memory that nobody needed in it nor in the span before
    /// goes back to the system: what a busier time has piled up goes, what steady work uses stays.
    public func endPiece() {
        let surplus = state.withLock { state -> [MemoryBlock] in
            state.pieces += 1
            guard state.pieces == Self.piecesInSpan else { return [] }
            state.pieces = 0
            return state.shed()
        }
        for block in surplus { block.free() }
        // Blocks that are not mapped lie in the allocator's arenas, which keep their pages.
        let kept = surplus.reduce(0) { $1.isMapped ? $0 : $0 + $1.capacity }
        if kept >= Self.trimBytesMin { Allocator.trim() }
    }

    func takeBack(_ block: MemoryBlock) {
        let removed = state.withLock { state -> [MemoryBlock]? in
            let removed = state.makeRoom(block.capacity, freeBytesMax: freeBytesMax)
            guard let removed else { return nil }
            state.counts.freeBytes += block.capacity
            state.free[block.capacity, default: Shelf()].blocks.append(block)
            return removed
        }
        guard let removed else { return block.free() }
        for other in removed { other.free() }
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
