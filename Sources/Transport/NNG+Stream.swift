import CNNG
import Synchronization
import Wire

/// A connected socket.
@safe final class NNGStream: ByteStream {
    let peer: String
    let isLoopback: Bool
    private let handle: NNGHandle
    private let isEncrypted: Bool
    private let state = Mutex(State())

    private struct State {
        /// Whether a byte has come: under TLS that means that the handshake is over.
        var hasRead = false
        /// When the read and the write under way are overdue.
        var readDeadline: ContinuousClock.Instant?
        var writeDeadline: ContinuousClock.Instant?
        /// Whether the stream was closed because one of them was.
        var isOverdue = false
    }

    /// Takes over the nng stream at `address`; `parent` is the dialer that made it.
    init(
        address: UInt, isEncrypted: Bool, parent: NNGHandle? = nil
    ) throws(TransportError) {
        (peer, isLoopback) = Self.describePeer(address, isEncrypted ? "tls" : "tcp")
        self.isEncrypted = isEncrypted
        handle = try NNGHandle(.stream, address: address, parent: parent)
        if isEncrypted { NNGWatch.shared.add(self) }
    }

    deinit { handle.close() }

    func read(into slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        if isEncrypted { state.withLock { $0.readDeadline = timeout.map { .now + $0 } } }
        let result = await handle.run(.read, slices, timeout: timeout)
        if isEncrypted {
            state.withLock { state in
                state.readDeadline = nil
                if result.code == 0 { state.hasRead = true }
            }
        }
        return outcome(result)
    }

    func write(_ slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        if isEncrypted { state.withLock { $0.writeDeadline = timeout.map { .now + $0 } } }
        let result = await handle.run(.write, slices, timeout: timeout)
        if isEncrypted { state.withLock { $0.writeDeadline = nil } }
        return outcome(result)
    }

    /// Closes the stream if an operation should have ended by now (`NNGWatch`); false once the
    /// stream needs no watching any more.
    func closeIfOverdue(at now: ContinuousClock.Instant) -> Bool {
        let isOverdue = state.withLock { state in
            let deadlines = [state.readDeadline, state.writeDeadline].compactMap(\.self)
            guard deadlines.contains(where: { $0 + NNGWatch.grace < now }) else { return false }
            state.isOverdue = true
            return true
        }
        if isOverdue { handle.close() }
        return !handle.isClosed
    }

    func close() { handle.close() }

    private func outcome(_ result: NNGResult) -> StreamOutcome {
        switch result.code {
        case 0: .moved(result.count)
        case NNG_ETIMEDOUT.rawValue: .timedOut
        // nng says "closed" whichever side it was.
        case NNG_ECLOSED.rawValue, NNG_ECANCELED.rawValue:
            handle.isClosed ? ownEnd : peerClosed
        // Under TLS "refused" is how nng 1.5.2 reports the other side's farewell.
        case NNG_ECONNRESET.rawValue, NNG_ECONNSHUT.rawValue, NNG_ECONNABORTED.rawValue,
            NNG_ECONNREFUSED.rawValue:
            peerClosed
        case NNG_ECRYPTO.rawValue, NNG_EPEERAUTH.rawValue: .notTrusted(nngMessage(result.code))
        default: .failed(nngMessage(result.code))
        }
    }

    private var ownEnd: StreamOutcome {
        state.withLock { $0.isOverdue } ? .timedOut : .closed
    }

    private var peerClosed: StreamOutcome {
        isEncrypted && !state.withLock { $0.hasRead } ? .handshakeEnded : .peerClosed
    }

    private static func describePeer(_ address: UInt, _ scheme: String) -> (String, Bool) {
        let stream = unsafe OpaquePointer(bitPattern: address)
        var name = nng_sockaddr()
        guard unsafe nng_stream_get_addr(stream, NNG_OPT_REMADDR, &name) == 0 else {
            return ("an unknown peer", false)
        }
        switch unsafe nng_sockaddr_family(rawValue: UInt32(name.s_family)) {
        case NNG_AF_INET:
            let host = unsafe UInt32(bigEndian: name.s_in.sa_addr)
            let port = unsafe UInt16(bigEndian: name.s_in.sa_port)
            let parts = [24, 16, 8, 0].map { String(host >> UInt32($0) & 0xff) }
            return ("\(scheme) \(parts.joined(separator: ".")):\(port)", host >> 24 == 127)
        case NNG_AF_INET6:
            let port = unsafe UInt16(bigEndian: name.s_in6.sa_port)
            let bytes = unsafe withUnsafeBytes(of: name.s_in6.sa_addr) { unsafe Array($0) }
            let words = stride(from: 0, to: 16, by: 2).map { index in
                String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
            }
            let isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
            return ("\(scheme) [\(words.joined(separator: ":"))]:\(port)", isLoopback)
        case NNG_AF_IPC:
            var pid: UInt64 = 0
            let code = unsafe nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_PID, &pid)
            return (code == 0 ? "ipc pid \(pid)" : "ipc", true)
        default:
            return ("an unknown peer", false)
        }
    }
}
