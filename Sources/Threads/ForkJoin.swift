internal import Dispatch
internal import Foundation
internal import Synchronization

/// Runs `body(0) ... body(count - 1)` on `threads` threads and returns the results in order.
///
/// For clustering, evaluation and table steps. Which thread runs which block is left to chance, so
/// `body` must depend on its block alone; what is combined from the results is combined in block
/// order. Thus the number of threads never decides a bit. The threads are our own, never those
/// of the cooperative pool; the calling thread is one of them and returns when all blocks are done
/// and no other thread holds on to `body`, so that the caller may be the only owner again of what
/// `body` has. The others stay parked between two calls; one that wakes too late to get a block is
/// not waited for.
///
/// - Parameters:
///   - count: number of blocks.
///   - threads: threads at work, at least 1; more than `count` are not called.
///   - body: computes one block; each block is run once.
public func mapBlocks<Result: Sendable>(
    count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Result
) -> [Result] {
    precondition(count >= 0 && threads > 0, "\(count) blocks on \(threads) threads")
    guard threads > 1, count > 1 else { return (0..<count).map(body) }
    let round = BlockRound(count: count, body: body)
    for _ in 1..<min(threads, count) { ParkedThread.call { round.help() } }
    round.work(body)
    return round.takeResults()
}

/// One fork-join: a counter that hands out blocks and a place for each result.
private final class BlockRound<Result: Sendable>: Sendable {
    typealias Body = @Sendable (Int) -> Result

    private let count: Int
    private let next = Atomic<Int>(0)
    private let state: Mutex<State>
    /// Signalled by the helper that lets go of the body last, when all blocks are done.
    private let over = DispatchSemaphore(value: 0)

    private struct State {
        /// Nil once the results are taken: a late helper must not keep what the body holds.
        var body: Body?
        var results: [Result?]
        var doneCount = 0
        /// Helpers that hold the body.
        var helperCount = 0

        var isOver: Bool { doneCount == results.count && helperCount == 0 }

        /// Gives the body to a helper; nobody gets it any more when all blocks are done.
        mutating func lend() -> Body? {
            guard doneCount < results.count, let body else { return nil }
            helperCount += 1
            return body
        }
    }

    init(count: Int, body: @escaping Body) {
        self.count = count
        state = Mutex(State(body: body, results: Array(repeating: nil, count: count)))
    }

    /// Takes blocks as long as there are any.
    func help() {
        guard next.load(ordering: .relaxed) < count, workOnLoan() else { return }
        let isOver = state.withLock { state in
            state.helperCount -= 1
            return state.isOver
        }
        if isOver { over.signal() }
    }

    /// A function of its own: when it has returned, this thread holds the body no more.
    @inline(never)
    private func workOnLoan() -> Bool {
        guard let body = state.withLock({ $0.lend() }) else { return false }
        work(body)
        return true
    }

    func work(_ body: Body) {
        while true {
            let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard block < count else { return }
            let result = body(block)
            state.withLock { state in
                state.results[block] = result
                state.doneCount += 1
            }
        }
    }

    /// Waits for the helpers, which have the blocks that are not done yet.
    func takeResults() -> [Result] {
        if !state.withLock({ $0.isOver }) { over.wait() }
        let results = state.withLock { state in
            state.body = nil
            return state.results.compactMap(\.self)
        }
        precondition(results.count == count, "\(results.count) of \(count) blocks are done")
        return results
    }
}

/// A helper thread that sleeps between two calls.
///
/// There are as many as were ever at work at one time, at most ``parkedMax`` of them asleep: calls
/// that overlap or nest get threads of their own, so that none waits for another.
private final class ParkedThread: Sendable {
    /// More than this process could keep busy are not kept.
    private static let parkedMax = 64
    private static let parked = Mutex<[ParkedThread]>([])

    private let wake = DispatchSemaphore(value: 0)
    private let work = Mutex<(@Sendable () -> Void)?>(nil)

    /// Runs `work` on a parked thread, or on a new one if none is parked.
    static func call(_ work: @escaping @Sendable () -> Void) {
        if let idle = parked.withLock({ $0.popLast() }) {
            idle.work.withLock { $0 = work }
            idle.wake.signal()
        } else {
            ParkedThread().start(work)
        }
    }

    private func start(_ first: @escaping @Sendable () -> Void) {
        work.withLock { $0 = first }
        let thread = Thread { self.serve() }
        thread.name = "pleiad helper"
        thread.stackSize = 8 << 20  // as a main thread has: some BLAS kernels pack on the stack
        thread.start()
    }

    private func serve() {
        while true {
            work.withLock({ $0.take() })?()
            let isKept = Self.parked.withLock { parked in
                guard parked.count < Self.parkedMax else { return false }
                parked.append(self)
                return true
            }
            guard isKept else { return }
            wake.wait()
        }
    }
}
