import Synchronization

/// A value that one task waits for and another one brings, once.
///
/// Later values are ignored. Cancelling the waiting task ends its wait with `CancellationError`.
final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, any Error>)
        case full(Result<Value, any Error>)
    }

    private let state = Mutex(State.empty)

    /// Brings the value, or the reason why there is none.
    func fulfil(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .full: return nil
            case .empty:
                state = .full(result)
                return nil
            case .waiting(let waiter):
                state = .full(result)
                return waiter
            }
        }
        waiter?.resume(with: result)
    }

    /// Waits for the value.
    ///
    /// At most one task may wait.
    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let ready = state.withLock { state -> Result<Value, any Error>? in
                    switch state {
                    case .full(let result): return result
                    case .empty:
                        state = .waiting(waiter)
                        return nil
                    case .waiting: preconditionFailure("a promise has one waiting task")
                    }
                }
                if let ready { waiter.resume(with: ready) }
            }
        } onCancel: {
            fulfil(.failure(CancellationError()))
        }
    }
}
