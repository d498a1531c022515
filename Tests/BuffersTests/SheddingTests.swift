import Foundation
import Testing

@testable import Buffers

/// What a pool keeps of a busier time.
@Suite struct SheddingTests {
    /// A span of pieces of work that each take so many blocks of 640 bytes at a time.
    private func span(_ pool: BufferPool, taking count: Int) {
        for _ in 0..<BufferPool.piecesInSpan {
            _ = (0..<count).map { _ in pool.uninitialized(byteCount: 640) }
            pool.endPiece()
        }
    }

    @Test func `steady work keeps all its memory and allocates nothing`() {
        let pool = BufferPool()
        for _ in 0..<10 { span(pool, taking: 3) }
        #expect(pool.counts.allocations == 3 && pool.counts.freeBytes == 3 * 640)
    }

    @Test func `what a busier time has piled up goes after two spans without need of it`() {
        let pool = BufferPool()
        span(pool, taking: 3)
        _ = (0..<9).map { _ in pool.uninitialized(byteCount: 640) }
        span(pool, taking: 3)
        #expect(pool.counts.freeBytes == 9 * 640, "one span may lie between two faults")
        span(pool, taking: 3)
        span(pool, taking: 3)
        #expect(pool.counts.freeBytes == 3 * 640)
        for _ in 0..<5 { span(pool, taking: 3) }
        #expect(pool.counts.allocations == 9)
    }

    /// A worker that is cut off again and again, with slices parked and results in hand each time.
    @Test func `a hundred times with more slices under way leave nothing behind`() {
        let pool = BufferPool()
        var results: [AlignedBuffer] = []
        func slices(_ count: Int, underWay: Int, resultsInHand: Int) {
            var parked: [[AlignedBuffer]] = []
            for _ in 0..<count {
                while parked.count < underWay {
                    parked.append([4096, 640, 640].map { pool.uninitialized(byteCount: $0) })
                }
                results.append(pool.uninitialized(byteCount: 2048))
                results.removeFirst(max(0, results.count - resultsInHand))
                parked.removeFirst()
                pool.endPiece()
            }
        }
        slices(3 * BufferPool.piecesInSpan, underWay: 2, resultsInHand: 1)
        let calm = pool.counts.freeBytes
        for _ in 0..<100 {
            slices(8, underWay: 8, resultsInHand: 8)
            #expect(pool.counts.freeBytes >= calm)
            slices(3 * BufferPool.piecesInSpan, underWay: 2, resultsInHand: 1)
            #expect(pool.counts.freeBytes == calm)
        }
    }

    @Test func `memory that is shed goes back to the system`() async {
        // In a process of its own, so that nobody else's memory is counted.
        await #expect(processExitsWith: .success) {
            func residentBytes() throws -> Int {
                let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                return try #require(pages) * 4096
            }
            let (pool, others) = (BufferPool(), BufferPool())
            let before = try residentBytes()
            // 256 MiB in blocks too small to be mapped, with memory between them that stays.
            var kept: [AlignedBuffer] = []
            do {
                var blocks: [AlignedBuffer] = []
                for _ in 0..<2048 {
                    blocks.append(pool.uninitialized(byteCount: 128 << 10))
                    blocks.last?.clear()
                    kept.append(others.uninitialized(byteCount: 64))
                    kept.last?.clear()
                }
            }
            #expect(try residentBytes() - before > 200 << 20)
            for _ in 0..<(4 * BufferPool.piecesInSpan) { pool.endPiece() }
            #expect(try residentBytes() - before < 32 << 20)
            #expect(kept.count == 2048)
        }
    }
}
