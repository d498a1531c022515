internal import Dispatch
internal import Foundation
internal import Synchronization

/// Runs `body(0) ... body(count - 1)` on `threads` threads and returns the results in order.
///
/// For clustering, evaluation and table steps. Which thread runs which block is left to chance, so
/// `body` must depend on its block alone; what is combined from the results is combined in block
/// order. Thus the number of threads never decides a bit. The threads are our own, never those
/// of the cooperative pool; the calling thread is one of them and returns when all are done.
///
/// - Parameters:
///   - count: number of blocks.
///   - threads: threads at work, at least 1; more than `count` are not started.
///   - body: computes one block; each block is run once.
public func mapBlocks<Result: Sendable>(
    count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Result
) -> [Result] {
    precondition(count >= 0 && threads > 0, "\(count) blocks on \(threads) threads")
    guard threads > 1, count > 1 else { return (0..<count).map(body) }
    let round = BlockRound(count: count, body: body)
    let helpers = min(threads, count) - 1
    for _ in 0..<helpers {
        let thread = Thread {
            round.work()
            round.helperDone.signal()
        }
        thread.stackSize = 8 << 20  // as a main thread has: some BLAS kernels pack on the stack
        thread.start()
    }
    round.work()
    for _ in 0..<helpers { round.helperDone.wait() }
    let results = round.results.withLock { $0.compactMap(\.self) }
    precondition(results.count == count, "\(results.count) of \(count) blocks are done")
    return results
}

/// One fork-join: a counter that hands out blocks and a place for each result.
private final class BlockRound<Result: Sendable>: Sendable {
    let body: @Sendable (Int) -> Result
    let count: Int
    let next = Atomic<Int>(0)
    let results: Mutex<[Result?]>
    let helperDone = DispatchSemaphore(value: 0)

    init(count: Int, body: @escaping @Sendable (Int) -> Result) {
        self.count = count
        self.body = body
        results = Mutex(Array(repeating: nil, count: count))
    }

    func work() {
        while true {
            let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard block < count else { break }
            let result = body(block)
            results.withLock { $0[block] = result }
        }
    }
}
