import Testing
import Threads

private actor Confined {
    nonisolated let executor: ThreadExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }
    private var total = 0

    init(executor: ThreadExecutor) { self.executor = executor }

    func add(_ value: Int) -> Int {
        executor.preconditionIsolated()
        total += value
        return total
    }
}

@Suite struct ThreadsTests {
    @Test(.timeLimit(.minutes(1)))
    func `an actor on a thread executor runs its calls one at a time`() async {
        let executor = ThreadExecutor(name: "test")
        defer { executor.stop() }
        let confined = Confined(executor: executor)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = await confined.add(1) } }
        }
        #expect(await confined.add(0) == 100)
    }
}

@Suite struct PendingValueTests {
    @Test(.timeLimit(.minutes(1)))
    func `values are computed on other threads and each waiter gets its own`() {
        let pending = (0..<20).map { number in PendingValue { number * number } }
        #expect(pending.map { $0.wait() } == (0..<20).map { $0 * $0 })
    }
}
