internal import Dispatch
internal import Foundation
internal import Synchronization

/// Threads of their own, one a slot, that run the same work when they are called.
final class SlotCrew: Sendable {
    /// The number of threads.
    let count: Int
    private let starts: [DispatchSemaphore]
    private let ends = DispatchSemaphore(value: 0)
    private let work = Mutex<(@Sendable (Int) -> Void)?>(nil)

    /// Starts the threads; they live until ``dismiss()``.
    init(count: Int) {
        precondition(count > 0, "a crew of \(count)")
        self.count = count
        starts = (0..<count).map { _ in DispatchSemaphore(value: 0) }
        for slot in 0..<count {
            let thread = Thread { self.serve(slot) }
            thread.name = "slot \(slot)"
            thread.stackSize = 8 << 20  // as a main thread has: some BLAS kernels pack on the stack
            thread.start()
        }
    }

    /// Runs `body` with each slot's number on that slot's thread and returns when all are done.
    func run(slots: Int, _ body: @escaping @Sendable (Int) -> Void) {
        precondition(slots > 0 && slots <= count, "\(slots) of \(count) slots")
        work.withLock { $0 = body }
        for slot in 0..<slots { starts[slot].signal() }
        for _ in 0..<slots { ends.wait() }
        work.withLock { $0 = nil }
    }

    /// Ends the threads.
    func dismiss() {
        for start in starts { start.signal() }
    }

    private func serve(_ slot: Int) {
        repeat { starts[slot].wait() } while runOnce(slot)
    }

    /// False once the crew is dismissed; what the work held is let go of before the end is told.
    private func runOnce(_ slot: Int) -> Bool {
        do {
            guard let body = work.withLock({ $0 }) else { return false }
            body(slot)
        }
        ends.signal()
        return true
    }
}

/// Seconds of a monotonic clock.
func monotonicSeconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

/// The middle one of some figures.
func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "the median of nothing")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
