internal import Dispatch
internal import Foundation
internal import Synchronization

/// Makes values ahead of their use on a thread of its own, so that compute never waits for data.
///
/// A value is the same whoever makes it, so a wrong hint costs nothing but the work, and a missing
/// one only the waiting: `take` then makes the value itself. Never made on the cooperative pool.
public final class Prefetcher<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let shared: Shared

    /// - Parameters:
    ///   - capacity: values held or in the making at a time (memory: this many batches).
    ///   - name: the thread's name, for debuggers.
    public init(capacity: Int, name: String = "prefetch") {
        let shared = Shared(capacity: capacity)
        self.shared = shared
        let thread = Thread { shared.work() }
        thread.name = name
        thread.start()
    }

    deinit {
        shared.stop()
    }

    /// Asks for `make()` to be run soon, and returns at once.
    ///
    /// Without effect if `key` is known already.
    public func prefetch(_ key: Key, _ make: @escaping @Sendable () -> Value) {
        shared.hint(key, make)
    }

    /// The value of `key` if it was hinted and its making has begun or ended; waits for the end.
    ///
    /// Blocks the calling thread for the rest of one `make` at most: call it from a compute thread.
    /// - Returns: nil if the key is unknown, was pushed out, or was not begun; it is forgotten
    /// then.
    public func take(_ key: Key) -> Value? {
        shared.take(key)
    }

    /// The value of `key`, made here and now if it is not in hand.
    public func take(_ key: Key, orMake make: () -> Value) -> Value {
        shared.take(key) ?? make()
    }

    /// What the thread and the handle share, so that the thread does not keep the handle alive.
    private final class Shared: Sendable {
        private struct State {
            var book: PrefetchBook<Key, Value>
            var makers: [(key: Key, make: @Sendable () -> Value)] = []
            var waiting: [DispatchSemaphore] = []
            var stopped = false
        }

        private let state: Mutex<State>
        private let wake = DispatchSemaphore(value: 0)

        init(capacity: Int) {
            state = Mutex(State(book: PrefetchBook(capacity: capacity)))
        }

        func hint(_ key: Key, _ make: @escaping @Sendable () -> Value) {
            let new = state.withLock { state in
                guard state.book.hint(key) else { return false }
                state.makers.append((key, make))
                let known = state.book.entries
                state.makers.removeAll { maker in !known.contains { $0.key == maker.key } }
                return true
            }
            if new { wake.signal() }
        }

        func take(_ key: Key) -> Value? {
            while true {
                let turn = DispatchSemaphore(value: 0)
                let (value, wait): (Value?, Bool) = state.withLock { state in
                    switch state.book.take(key) {
                    case .ready(let value): return (value, false)
                    case .absent: return (nil, false)
                    case .making:
                        state.waiting.append(turn)
                        return (nil, true)
                    }
                }
                guard wait else { return value }
                turn.wait()
            }
        }

        func stop() {
            state.withLock { state in
                state.stopped = true
                state.book.forgetIdle()
                state.makers = []
            }
            wake.signal()
        }

        /// The thread: one value after the other until the handle is gone.
        func work() {
            while true {
                wake.wait()
                let job = state.withLock { state -> (Key, @Sendable () -> Value)? in
                    guard !state.stopped, let key = state.book.begin(),
                        let at = state.makers.firstIndex(where: { $0.key == key })
                    else { return nil }
                    return (key, state.makers.remove(at: at).make)
                }
                if let (key, make) = job {
                    let value = make()
                    let waiting = state.withLock { state in
                        state.book.finish(key, value)
                        if state.stopped { state.book.forgetIdle() }
                        defer { state.waiting = [] }
                        return state.waiting
                    }
                    for turn in waiting { turn.signal() }
                } else if state.withLock({ $0.stopped }) {
                    return
                }
            }
        }
    }
}
