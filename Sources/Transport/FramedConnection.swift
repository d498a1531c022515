import Buffers
import Synchronization
import Wire

/// A connection: whole messages, framed and checked, over any stream of bytes.
///
/// The same code runs over sockets and in memory, so that faults injected into the twin meet
/// exactly what runs in production.
final class FramedConnection: Connection {
    private struct State {
        var limits: ConnectionLimits
        var bodyBytesMax: Int
        var sends = SendQueue()
        var isReceiving = false
        var lastReceiveTime = Duration.zero
        /// Bytes that came with an earlier read and belong to what follows.
        var readAhead: BufferSlice?
        /// Why the connection ended; nil while it is up.
        var end: TransportError?
    }

    let peer: String
    let isLoopback: Bool
    private let stream: any ByteStream
    private let pool: BufferPool
    private let headerBuffer = AlignedBuffer(byteCount: FrameHeader.byteCount)
    /// Every read may bring what follows as well, so that a small message takes one read: 16 KiB.
    private let readAheadBuffer = AlignedBuffer(byteCount: 16 << 10)
    private let state: Mutex<State>

    /// A connection over `stream` whose large messages are received into memory of `pool`.
    init(_ stream: any ByteStream, limits: ConnectionLimits, pool: BufferPool) {
        self.stream = stream
        self.pool = pool
        peer = stream.peer
        isLoopback = stream.isLoopback
        state = Mutex(State(limits: limits, bodyBytesMax: limits.maxFirstBodyBytes))
    }

    deinit { stream.close() }

    func raiseLimits(_ limits: ConnectionLimits) {
        state.withLock { state in
            state.limits = limits
            state.bodyBytesMax = limits.maxBodyBytes
        }
    }

    var lastReceiveTime: Duration { state.withLock { $0.lastReceiveTime } }

    func close() { end(.closed(peer: peer)) }

    /// Ends the connection for `reason`, unless it has ended; returns the first reason.
    @discardableResult
    private func end(_ reason: TransportError) -> TransportError {
        let (first, waiting) = state.withLock { state in
            let first = state.end ?? reason
            state.end = first
            return (first, state.sends.end())
        }
        stream.close()
        for continuation in waiting { continuation.resume(returning: .ended) }
        return first
    }

    private func limits() throws(TransportError) -> ConnectionLimits {
        let (limits, end) = state.withLock { ($0.limits, $0.end) }
        if let end { throw end }
        return limits
    }
}

// MARK: - Receiving

extension FramedConnection {
    func receive() async throws(TransportError) -> WireMessage {
        state.withLock { state in
            precondition(!state.isReceiving, "one task at a time receives from \(peer)")
            state.isReceiving = true
        }
        defer { state.withLock { $0.isReceiving = false } }
        let outcome = await withTaskCancellationHandler {
            await receiveOutcome()
        } onCancel: {
            self.end(.cancelled(peer: self.peer))
        }
        return try outcome.get()
    }

    private func receiveOutcome() async -> Result<WireMessage, TransportError> {
        do {
            return .success(try await receiveMessage())
        } catch {
            return .failure(end(error))
        }
    }

    private func receiveMessage() async throws(TransportError) -> WireMessage {
        let headerSlice = BufferSlice(headerBuffer)
        var assembler = MessageAssembler(pool: pool)
        try await fill([headerSlice], isFirst: true)
        let begin = ContinuousClock.now
        while true {
            let bodyBytesMax = state.withLock { $0.bodyBytesMax }
            let target = try checked { () throws(WireError) in
                let header = try FrameHeader(decoding: headerSlice.copied())
                return try assembler.accept(header, maxBodyBytes: bodyBytesMax)
            }
            // The next header comes with this payload: one read less for every chunk.
            let hasNext = assembler.expectsMoreChunks
            try await fill(hasNext ? [target, headerSlice] : [target], isFirst: false)
            let limits = WireLimits(maxBodyBytes: bodyBytesMax)
            let message = try checked { () throws(WireError) in
                try assembler.finishChunk(limits: limits)
            }
            guard let message else { continue }
            state.withLock { $0.lastReceiveTime = begin.duration(to: .now) }
            return message
        }
    }

    /// Makes an error of the bytes an error of this connection.
    private func checked<Value>(
        _ body: () throws(WireError) -> Value
    ) throws(TransportError) -> Value {
        do {
            return try body()
        } catch {
            throw .frame(error, peer: peer)
        }
    }

    /// Reads until the slices are full; what comes beyond them is kept for the next call.
    ///
    /// - Parameter isFirst: whether a message may not have begun yet: then the first byte may
    ///   take any time.
    private func fill(_ slices: [BufferSlice], isFirst: Bool) async throws(TransportError) {
        var rest = slices
        var hasBegun = takeReadAhead(&rest) || !isFirst
        while !rest.isEmpty {
            let stallLimit = try limits().stallLimit
            let surplus = BufferSlice(readAheadBuffer)
            let outcome = await stream.read(
                into: rest + [surplus], timeout: hasBegun ? stallLimit : nil)
            guard case .moved(let count) = outcome else {
                throw failure(outcome, "receiving from", midMessage: hasBegun, stallLimit)
            }
            hasBegun = true
            let wanted = rest.reduce(0) { $0 + $1.byteCount }
            if count > wanted {
                state.withLock { $0.readAhead = surplus.prefix(count - wanted) }
            }
            rest.consume(min(count, wanted))
        }
    }

    /// Moves what was read ahead into the slices; whether there was anything.
    private func takeReadAhead(_ slices: inout [BufferSlice]) -> Bool {
        guard var ahead = state.withLock({ $0.readAhead }) else { return false }
        while let target = slices.first, ahead.byteCount > 0 {
            let count = target.copy(from: ahead)
            ahead = ahead.dropFirst(count)
            slices.consume(count)
        }
        let rest = ahead.byteCount > 0 ? ahead : nil
        state.withLock { $0.readAhead = rest }
        return true
    }

    private func failure(
        _ outcome: StreamOutcome, _ what: String, midMessage: Bool, _ stallLimit: Duration
    ) -> TransportError {
        switch outcome {
        case .closed: .closed(peer: peer)
        case .peerClosed: .closedByPeer(peer: peer, midMessage: midMessage)
        case .timedOut: .peerStalled(peer: peer, after: stallLimit)
        case .failed(let problem): .system(what: "\(what) \(peer)", problem: problem)
        case .notTrusted(let problem): .notTrusted(peer: peer, problem: problem)
        case .handshakeEnded: .handshakeEnded(peer: peer)
        case .moved: .system(what: "\(what) \(peer)", problem: "nothing was moved")
        }
    }
}

// MARK: - Sending

extension FramedConnection {
    func send(_ message: WireMessage) async throws(TransportError) {
        let limits = try limits()
        let bodyByteCount = message.body.byteCount
        guard bodyByteCount <= limits.maxBodyBytes else {
            throw .messageTooLarge(
                peer: peer, byteCount: bodyByteCount, limit: limits.maxBodyBytes)
        }
        let (id, queuedBytes) = state.withLock { state in
            let id = state.sends.admit(
                bodyByteCount, bytesMax: limits.sendQueueBytes, countMax: limits.sendQueueCount)
            return (id, state.sends.queuedBytes)
        }
        guard let id else {
            throw .sendQueueFull(
                peer: peer, queuedBytes: queuedBytes, limit: limits.sendQueueBytes)
        }
        defer {
            state.withLock { $0.sends.leave(id, byteCount: bodyByteCount) }?
                .resume(returning: .granted)
        }
        let outcome = await withTaskCancellationHandler {
            await takeTurn(id, message)
        } onCancel: {
            self.cancelSend(id)
        }
        try outcome.get()
    }

    private func cancelSend(_ id: UInt64) {
        let (waiting, isWriting) = state.withLock { state in
            (state.sends.cancel(id), state.sends.writer == id)
        }
        waiting?.resume(returning: .cancelled)
        if isWriting { end(.cancelled(peer: peer)) }
    }

    private func takeTurn(
        _ id: UInt64, _ message: WireMessage
    ) async -> Result<Void, TransportError> {
        let turn = await withCheckedContinuation { continuation in
            let ready = state.withLock { $0.sends.wait(id, continuation) }
            if let (continuation, turn) = ready { continuation.resume(returning: turn) }
        }
        switch turn {
        case .cancelled: return .failure(.cancelled(peer: peer))
        case .ended: return .failure(end(.closed(peer: peer)))
        case .granted: break
        }
        do {
            try await write(message)
            return .success(())
        } catch {
            return .failure(end(error))
        }
    }

    /// Writes all frames of a message; the next one is summed while the kernel sends the last.
    private func write(_ message: WireMessage) async throws(TransportError) {
        var cutter = MessageCutter(message)
        var rest: [BufferSlice] = []
        var isExhausted = false
        var hasBegun = false
        while true {
            if !isExhausted, rest.reduce(0, { $0 + $1.byteCount }) < FrameHeader.chunkByteCount {
                if let frame = cutter.nextFrame() { rest += frame } else { isExhausted = true }
            }
            if rest.isEmpty && isExhausted { return }
            let stallLimit = try limits().stallLimit
            let batch = Array(rest.prefix(streamSliceCountMax))
            let outcome = await stream.write(batch, timeout: stallLimit)
            guard case .moved(let count) = outcome else {
                throw failure(outcome, "sending to", midMessage: hasBegun, stallLimit)
            }
            hasBegun = true
            rest.consume(count)
        }
    }
}
