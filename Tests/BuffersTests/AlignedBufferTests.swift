@testable import Buffers
import Testing

@Suite struct AlignedBufferTests {
    @Test(arguments: [0, 1, 63, 64, 4_096, 1 << 20, (8 << 20) + 5])
    func `memory is zero and aligned to 64 bytes`(_ count: Int) {
        let buffer = AlignedBuffer(byteCount: count)
        #expect(buffer.byteCount == count)
        #expect(buffer.bytes.byteCount == count)
        #expect(buffer.floats.count == count / 4)
        let isAligned = unsafe buffer.withUnsafeBytes { bytes in
            UInt(bitPattern: bytes.baseAddress) % 64 == 0
        }
        #expect(isAligned)
        let sum = unsafe buffer.withUnsafeBytes { unsafe $0.reduce(0) { $0 + Int($1) } }
        #expect(sum == 0)
    }

    @Test func `what is written through one view is read through another`() {
        let buffer = AlignedBuffer(byteCount: 64)
        var floats = buffer.mutableFloats
        floats[2] = 1
        #expect(unsafe buffer.bytes.unsafeLoad(fromByteOffset: 8, as: UInt32.self) == 0x3f80_0000)
        unsafe buffer.withUnsafeMutableBytes { unsafe $0[8] = 1 }
        #expect(buffer.floats[2] > 1)
    }

    @Test func `storage copies when its buffer is shared, and only then`() {
        let buffer = AlignedBuffer(byteCount: 64)
        var one = FloatStorage(viewing: buffer, byteOffset: 8, count: 3)
        let isUnique = one.isUnique
        #expect(!isUnique)
        var span = one.mutableSpan
        span[0] = 5
        #expect(buffer.floats[2] == 0)
        let isUniqueNow = one.isUnique
        #expect(isUniqueNow)
        #expect(one.byteOffset == 0)
    }

    @Test func `a view past the end of its buffer traps`() async {
        await #expect(processExitsWith: .failure) {
            _ = FloatStorage(
                viewing: AlignedBuffer(byteCount: 64), byteOffset: 8, count: Int.max / 2)
        }
    }
}

@Suite struct BufferPoolTests {
    @Test func `memory comes back when its last owner lets go, and is used again`() {
        let pool = BufferPool()
        for _ in 0..<5 {
            let buffer = pool.uninitialized(byteCount: 1_000)
            #expect(buffer.byteCount == 1_000)
            #expect(pool.counts.freeBytes == 0)
        }
        #expect(pool.counts == .init(allocations: 1, requests: 5, freeBytes: 1_024))
    }

    @Test func `two owners at a time need two blocks`() {
        let pool = BufferPool()
        let held = [pool.zeroed(byteCount: 64), pool.zeroed(byteCount: 64)]
        #expect(held.count == 2)
        #expect(pool.counts.allocations == 2)
    }

    @Test func `zeroed memory is zero after use`() {
        let pool = BufferPool()
        do {
            let dirty = pool.uninitialized(byteCount: 64)
            var floats = dirty.mutableFloats
            floats[3] = 7
        }
        #expect(pool.zeroed(byteCount: 64).floats[3] == 0)
        #expect(pool.counts.allocations == 1)
    }

    @Test func `free memory stays within the bound`() {
        let pool = BufferPool(freeBytesMax: 200)
        _ = (0..<4).map { _ in pool.uninitialized(byteCount: 64) }
        #expect(pool.counts.freeBytes == 192)
    }

    @Test func `two of the largest block may lie ready whatever the bound`() {
        let pool = BufferPool(freeBytesMax: 100)
        _ = (0..<3).map { _ in pool.uninitialized(byteCount: 640) }
        #expect(pool.counts.freeBytes == 1280)
        _ = [pool.uninitialized(byteCount: 640), pool.uninitialized(byteCount: 640)]
        #expect(pool.counts.allocations == 3)
    }

    @Test func `blocks of other sizes make room for one that returns`() {
        let pool = BufferPool(freeBytesMax: 100)
        _ = [pool.uninitialized(byteCount: 64), pool.uninitialized(byteCount: 64)]
        _ = [pool.uninitialized(byteCount: 640), pool.uninitialized(byteCount: 640)]
        #expect(pool.counts.freeBytes == 1280)
        _ = pool.uninitialized(byteCount: 64)
        #expect(pool.counts.allocations == 5)
        #expect(pool.counts.freeBytes == 64 + 640)
    }

    @Test func `buffers outlive the pool they came from`() {
        var buffer: AlignedBuffer?
        do {
            let pool = BufferPool()
            buffer = pool.zeroed(byteCount: 64)
        }
        #expect(buffer?.floats[1] == 0)
    }

    @Test(arguments: [1, 64, 65, 16_384, 16_385, 1 << 20, 1_234_567])
    func `a block is at most an eighth too large`(_ count: Int) {
        let capacity = BufferPool.capacity(for: count)
        #expect(capacity >= count)
        #expect(capacity % 64 == 0)
        #expect(count <= 16_384 ? capacity - count < 64 : capacity - count <= count / 8)
    }
}
