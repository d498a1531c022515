import Synchronization
import Wire

/// Waits for a time; throws if the task is cancelled.
typealias InMemorySleep = @Sendable (Duration) async throws -> Void

/// One direction of a link in memory: bytes in order, a bounded buffer, and faults.
///
/// Like a socket it copies: the writer's memory is free when the write returns.
final class InMemoryPipe: Sendable {
    private struct Waiter {
        var id: UInt64
        var slices: [BufferSlice]
        var continuation: CheckedContinuation<StreamOutcome, Never>
    }

    private struct State {
        var faults: LinkFaults
        var buffered: [BufferSlice] = []
        var bufferedBytes = 0
        /// Bytes accepted from the writer so far, delivered or not.
        var acceptedBytes = 0
        var reader: Waiter?
        var writer: Waiter?
        var isReaderClosed = false
        var isWriterClosed = false
        /// Whether the link was cut: then each side takes the other for gone.
        var isCut = false
        var nextID: UInt64 = 0

        /// Whether the position at which the link is to be cut has been reached.
        var isCutDue: Bool { acceptedBytes >= faults.cutAfter ?? .max }
        /// Whether neither side learns of the other any more.
        var isMute: Bool { faults.isHalfOpen || acceptedBytes > faults.swallowAfter ?? .max }
    }

    private typealias Wakeup = (CheckedContinuation<StreamOutcome, Never>, StreamOutcome)

    private let sleep: InMemorySleep
    private let state: Mutex<State>

    init(_ faults: LinkFaults, sleep: @escaping InMemorySleep) {
        self.sleep = sleep
        state = Mutex(State(faults: faults))
    }

    /// Replaces the faults from here on; byte positions count from the link's beginning.
    func setFaults(_ change: @Sendable (inout LinkFaults) -> Void) {
        advance { state in change(&state.faults) }
    }

    /// The bytes accepted from the writer so far.
    var acceptedBytes: Int { state.withLock { $0.acceptedBytes } }

    func read(into slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        if let pause = state.withLock({ $0.faults.beforeRead }) { await pause() }
        return await wait(slices, timeout) { state, waiter in
            precondition(state.reader == nil, "one read at a time")
            state.reader = waiter
        }
    }

    func write(_ slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        await wait(slices, timeout) { state, waiter in
            precondition(state.writer == nil, "one write at a time")
            state.writer = waiter
        }
    }

    /// Whether the position at which the link is to be cut has been reached.
    var isCutDue: Bool { state.withLock { $0.isCutDue } }

    /// Ends the direction for both sides.
    func cut() { advance { $0.isCut = true } }

    /// Ends the direction from the writer's side: the reader gets what is buffered, then the end.
    func closeWriter() { advance { $0.isWriterClosed = true } }

    /// Ends the direction from the reader's side: the writer's next write fails.
    func closeReader() { advance { $0.isReaderClosed = true } }

    private func wait(
        _ slices: [BufferSlice], _ timeout: Duration?, _ install: (inout State, Waiter) -> Void
    ) async -> StreamOutcome {
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await withCheckedContinuation { continuation in
            let id = state.withLock { state in
                state.nextID += 1
                return state.nextID
            }
            let waiter = Waiter(id: id, slices: slices, continuation: continuation)
            advance { state in install(&state, waiter) }
            guard let timeout, isWaiting(id) else { return }
            timer = Task {
                // A cancelled sleep means that the wait is over: then nobody has this id.
                try? await self.sleep(timeout)
                self.expire(id)
            }
        }
    }

    private func isWaiting(_ id: UInt64) -> Bool {
        state.withLock { $0.reader?.id == id || $0.writer?.id == id }
    }

    private func expire(_ id: UInt64) {
        advance(outcome: .timedOut) { state in
            if let reader = state.reader, reader.id == id {
                state.reader = nil
                return reader.continuation
            }
            if let writer = state.writer, writer.id == id {
                state.writer = nil
                return writer.continuation
            }
            return nil
        }
    }

    private func advance(
        outcome: StreamOutcome,
        _ take: (inout State) -> CheckedContinuation<StreamOutcome, Never>?
    ) {
        state.withLock { take(&$0) }?.resume(returning: outcome)
    }

    /// Changes the state, moves what can be moved, and wakes whom that concerns.
    private func advance(_ change: (inout State) -> Void) {
        let wakeups = state.withLock { state -> [Wakeup] in
            change(&state)
            // A read makes room, so that a waiting writer may go on.
            let served = [serveWriter(&state), serveReader(&state), serveWriter(&state)]
            return served.compactMap { $0 }
        }
        for (continuation, outcome) in wakeups { continuation.resume(returning: outcome) }
    }
}

extension InMemoryPipe {
    private func serveWriter(_ state: inout State) -> Wakeup? {
        guard let writer = state.writer else { return nil }
        if state.isWriterClosed {
            state.writer = nil
            return (writer.continuation, .closed)
        }
        if state.isCut || (state.isReaderClosed && !state.isMute) {
            state.writer = nil
            return (writer.continuation, .peerClosed)
        }
        let moved = accept(writer.slices, &state)
        guard moved > 0 else { return nil }
        state.writer = nil
        return (writer.continuation, .moved(moved))
    }

    /// Takes what there is room for before the cut; bytes past `swallowAfter` need no room.
    private func accept(_ slices: [BufferSlice], _ state: inout State) -> Int {
        var moved = 0
        for slice in slices {
            var rest = slice
            while rest.byteCount > 0 {
                let beforeCut = (state.faults.cutAfter ?? .max) - state.acceptedBytes
                let beforeSwallow = (state.faults.swallowAfter ?? .max) - state.acceptedBytes
                let isKept = beforeSwallow > 0
                let room =
                    isKept
                    ? min(state.faults.capacity - state.bufferedBytes, beforeSwallow) : .max
                let count = min(rest.byteCount, room, beforeCut)
                guard count > 0 else { return moved }
                if isKept {
                    state.buffered.append(BufferSlice(copying: rest.prefix(count).copied()))
                    state.bufferedBytes += count
                }
                state.acceptedBytes += count
                moved += count
                rest = rest.dropFirst(count)
            }
        }
        return moved
    }

    private func serveReader(_ state: inout State) -> Wakeup? {
        guard let reader = state.reader else { return nil }
        if state.isReaderClosed {
            state.reader = nil
            return (reader.continuation, .closed)
        }
        guard !state.faults.isHalfOpen else { return nil }
        var room = state.faults.bytesPerRead ?? .max
        var moved = 0
        for slice in reader.slices {
            var target = slice
            while room > 0, target.byteCount > 0, let source = state.buffered.first {
                let count = target.copy(from: source.prefix(min(room, source.byteCount)))
                state.buffered.consume(count)
                state.bufferedBytes -= count
                target = target.dropFirst(count)
                room -= count
                moved += count
            }
        }
        if moved > 0 {
            state.reader = nil
            return (reader.continuation, .moved(moved))
        }
        guard state.isCut || (state.isWriterClosed && !state.isMute) else { return nil }
        state.reader = nil
        return (reader.continuation, .peerClosed)
    }
}
