import Datasets
import Dispatch
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PrefetcherTests {
    @Test func `a hinted value is made ahead and handed out once`() {
        let prefetcher = Prefetcher<Int, Int>(capacity: 2)
        let made = DispatchSemaphore(value: 0)
        prefetcher.prefetch(7) {
            made.signal()
            return 49
        }
        made.wait()
        #expect(prefetcher.take(7) == 49)
        #expect(prefetcher.take(7) == nil)
    }

    @Test func `taking waits for a value in the making`() {
        let prefetcher = Prefetcher<Int, Int>(capacity: 2)
        let (begun, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        prefetcher.prefetch(1) {
            begun.signal()
            goOn.wait()
            return 11
        }
        begun.wait()
        DispatchQueue.global().async { goOn.signal() }
        #expect(prefetcher.take(1) == 11)
    }

    @Test func `what was never hinted is made by the taker`() {
        let prefetcher = Prefetcher<Int, Int>(capacity: 1)
        #expect(prefetcher.take(3) == nil)
        #expect(prefetcher.take(3, orMake: { 9 }) == 9)
    }

    @Test func `wrong hints never hold more than the capacity`() {
        let prefetcher = Prefetcher<Int, Int>(capacity: 3)
        let count = Mutex(0)
        let blocked = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        prefetcher.prefetch(0) {
            begun.signal()
            blocked.wait()
            return 0
        }
        begun.wait()
        for key in 1...20 {
            prefetcher.prefetch(key) {
                count.withLock { $0 += 1 }
                return key
            }
        }
        blocked.signal()
        #expect(prefetcher.take(0) == 0)
        // One entry was in the making, so at most two of the twenty hints were kept.
        var found = 0
        for key in 1...20 where prefetcher.take(key) != nil { found += 1 }
        #expect(found <= 2)
        #expect(count.withLock { $0 } <= 2)
    }

    @Test func `the same key is made once`() {
        let prefetcher = Prefetcher<Int, Int>(capacity: 4)
        let count = Mutex(0)
        let begun = DispatchSemaphore(value: 0)
        for _ in 0..<5 {
            prefetcher.prefetch(2) {
                begun.signal()
                return count.withLock {
                    $0 += 1
                    return $0
                }
            }
        }
        begun.wait()
        #expect(prefetcher.take(2) == 1)
    }

    @Test func `a handle that goes away takes its thread with it`() {
        final class Witness: Sendable {
            let gone: DispatchSemaphore
            init(_ gone: DispatchSemaphore) { self.gone = gone }
            deinit { gone.signal() }
        }
        let gone = DispatchSemaphore(value: 0)
        do {
            let prefetcher = Prefetcher<Int, Witness>(capacity: 2)
            let begun = DispatchSemaphore(value: 0)
            prefetcher.prefetch(1) {
                begun.signal()
                return Witness(gone)
            }
            begun.wait()
            _ = prefetcher.take(2)
        }
        #expect(gone.wait(timeout: .now() + 20) == .success)
    }
}
