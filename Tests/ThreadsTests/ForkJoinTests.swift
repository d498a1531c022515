import Synchronization
import Testing
import Threads

/// Blocks on several threads.
@Suite struct ForkJoinTests {
    @Test(arguments: [(0, 1), (1, 4), (7, 1), (7, 2), (100, 3), (3, 9)])
    func `every block is run once and results come in block order`(_ count: Int, _ threads: Int) {
        let runs = Mutex([Int](repeating: 0, count: count))
        let results = mapBlocks(count: count, threads: threads) { block in
            runs.withLock { $0[block] += 1 }
            return block * block
        }
        #expect(results == (0..<count).map { $0 * $0 })
        #expect(runs.withLock { $0.allSatisfy { $0 == 1 } })
    }

    @Test func `no block is still running when all are said to be done`() {
        for _ in 0..<50 {
            let open = Mutex(0)
            _ = mapBlocks(count: 6, threads: 6) { block in
                open.withLock { $0 += 1 }
                var sum = 0
                for step in 0..<(20_000 * (block + 1)) { sum &+= step &* block }
                open.withLock { $0 -= 1 }
                return sum
            }
            #expect(open.withLock { $0 } == 0)
        }
    }

    @Test func `when all is done no other thread holds what the blocks had`() {
        final class Held: Sendable {}
        for _ in 0..<20_000 {
            var held = Held()
            _ = mapBlocks(count: 2, threads: 2) { [held] _ in _ = held }
            guard isKnownUniquelyReferenced(&held) else {
                Issue.record("a thread still holds it")
                return
            }
        }
    }
}
