/// Who may write to a connection next: senders take turns in the order in which they came.
///
/// Holds no bytes, only their number: each sender keeps its own message until its turn.
struct SendQueue {
    /// What a sender gets when its wait for the turn ends.
    enum Turn: Sendable {
        case granted
        case cancelled
        case ended
    }

    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Turn, Never>
    }

    private var waiters: [Waiter] = []
    private var cancelledEarly: [UInt64] = []
    private var nextID: UInt64 = 0
    private(set) var writer: UInt64?
    private(set) var queuedBytes = 0
    private(set) var queuedCount = 0
    private(set) var isEnded = false

    /// Admits a message of `byteCount` bytes; nil if the queue is full.
    mutating func admit(_ byteCount: Int, bytesMax: Int, countMax: Int) -> UInt64? {
        let hasRoom = queuedBytes <= bytesMax - byteCount && queuedCount < countMax
        guard queuedCount == 0 || hasRoom else { return nil }
        queuedBytes += byteCount
        queuedCount += 1
        nextID += 1
        return nextID
    }

    /// Gives the turn at once if nobody has it, or keeps the continuation.
    mutating func wait(
        _ id: UInt64, _ continuation: CheckedContinuation<Turn, Never>
    ) -> (CheckedContinuation<Turn, Never>, Turn)? {
        if isEnded { return (continuation, .ended) }
        if let index = cancelledEarly.firstIndex(of: id) {
            cancelledEarly.remove(at: index)
            return (continuation, .cancelled)
        }
        guard writer != nil else {
            writer = id
            return (continuation, .granted)
        }
        waiters.append(Waiter(id: id, continuation: continuation))
        return nil
    }

    /// Ends the wait of a cancelled sender; nil if it is not waiting.
    ///
    /// A sender whose wait has not begun is remembered, so that it ends as soon as it begins.
    mutating func cancel(_ id: UInt64) -> CheckedContinuation<Turn, Never>? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else {
            if writer != id { cancelledEarly.append(id) }
            return nil
        }
        return waiters.remove(at: index).continuation
    }

    /// Takes a message out of the count; passes the turn on if its sender had it.
    mutating func leave(_ id: UInt64, byteCount: Int) -> CheckedContinuation<Turn, Never>? {
        queuedBytes -= byteCount
        queuedCount -= 1
        cancelledEarly.removeAll { $0 == id }
        guard writer == id else { return nil }
        writer = nil
        guard !isEnded, !waiters.isEmpty else { return nil }
        let next = waiters.removeFirst()
        writer = next.id
        return next.continuation
    }

    /// Ends all waits, now and later.
    mutating func end() -> [CheckedContinuation<Turn, Never>] {
        isEnded = true
        defer { waiters.removeAll() }
        return waiters.map(\.continuation)
    }
}
