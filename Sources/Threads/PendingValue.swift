internal import Dispatch
internal import Synchronization

/// A value that is being computed on another thread while this one goes on.
///
/// For a thread of its own, never one of the cooperative pool: ``wait()`` blocks.
public final class PendingValue<Value: Sendable>: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let value = Mutex<Value?>(nil)

    /// Begins to compute.
    public init(_ body: @escaping @Sendable () -> Value) {
        pendingQueue.async {
            let result = body()
            self.value.withLock { $0 = result }
            self.done.signal()
        }
    }

    /// Blocks until the value is there, and takes it.
    ///
    /// To be called once.
    public func wait() -> Value {
        done.wait()
        guard let result = value.withLock({ $0.take() }) else {
            preconditionFailure("a pending value is taken once")
        }
        return result
    }
}

/// Its threads are kept between two uses.
private let pendingQueue = DispatchQueue(label: "pleiad-pending", attributes: .concurrent)
