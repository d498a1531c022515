internal import Dispatch
internal import Synchronization

/// How many bytes of copies may be held for a checkpoint while it is written and training goes on.
///
/// What is to move before the checkpoint has taken it is copied first. Who finds no room for its
/// copies waits until the checkpoint has taken some more, so at most for as long as it takes to
/// write. One thread at a time waits; it is never one of the cooperative pool.
public final class CopyBudget: Sendable {
    private let limit: Atomic<Int>
    private let used = Atomic<Int>(0)
    private let most = Atomic<Int>(0)
    private let isAwaited = Atomic<Bool>(false)
    private let freed = DispatchSemaphore(value: 0)
    private let report: @Sendable (Bool) -> Void

    /// A budget of so many bytes.
    ///
    /// - Parameters:
    ///   - byteLimit: the most that is held at a time; 0 to copy nothing and always wait.
    ///   - report: told when somebody begins to wait (true) and when it has room (false).
    public init(
        byteLimit: Int, report: @escaping @Sendable (_ isFull: Bool) -> Void = { _ in }
    ) {
        precondition(byteLimit >= 0, "a budget of \(byteLimit) bytes")
        limit = Atomic(byteLimit)
        self.report = report
    }

    /// Bytes that are held now.
    public var byteCount: Int { used.load(ordering: .relaxed) }

    /// The most bytes that were held at a time.
    public var mostByteCount: Int { most.load(ordering: .relaxed) }

    /// Takes room for a copy, if there is any.
    public func reserve(_ byteCount: Int) -> Bool {
        var now = used.load(ordering: .relaxed)
        while true {
            guard byteCount <= limit.load(ordering: .relaxed) - now else { return false }
            let (isDone, found) = used.weakCompareExchange(
                expected: now, desired: now + byteCount, ordering: .relaxed)
            guard !isDone else {
                most.max(now + byteCount, ordering: .relaxed)
                return true
            }
            now = found
        }
    }

    /// Gives room back, perhaps none, and has whoever waits look again.
    public func release(_ byteCount: Int) {
        let left = used.subtract(byteCount, ordering: .relaxed).newValue
        precondition(left >= 0, "more copies are released than were held")
        if isAwaited.load(ordering: .sequentiallyConsistent) { freed.signal() }
    }

    /// Ends all waiting for good: the checkpoint has failed, and nothing will be taken any more.
    public func lift() {
        limit.store(.max / 2, ordering: .relaxed)
        freed.signal()
    }

    /// Tries until `attempt` succeeds, each time that something was released.
    public func retry(_ attempt: () -> Bool) {
        // Set before the first attempt: what is released after it is not missed.
        isAwaited.store(true, ordering: .sequentiallyConsistent)
        defer { isAwaited.store(false, ordering: .sequentiallyConsistent) }
        guard !attempt() else { return }
        report(true)
        defer { report(false) }
        repeat { freed.wait() } while !attempt()
    }
}
