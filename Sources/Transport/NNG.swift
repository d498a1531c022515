import Buffers
import CNNG
import Synchronization
import Wire

/// The network as nng 1.5.2's byte streams give it: `tcp://HOST:PORT` and `ipc:///PATH`.
///
/// Never fork after first use: nng's threads do not survive it, and it aborts.
public struct NNGNetwork: Network {
    private let limits: ConnectionLimits
    private let pool = BufferPool(freeBytesMax: receivePoolBytesMax)

    /// A network whose connections begin with these limits.
    public init(limits: ConnectionLimits = .standard) {
        self.limits = limits
    }

    /// Begins to listen; port 0 takes a free port, which the listener's `url` names.
    ///
    /// - Throws: `.invalidURL`, `.unsupported`, `.addressInUse`, `.notPermitted`, `.system`.
    public func listen(_ url: String) async throws(TransportError) -> any Listener {
        try NNGListener(Endpoint(url), limits: limits, pool: pool)
    }

    /// Connects in one attempt; Nagle's delay is off and keepalive on.
    ///
    /// - Throws: `.invalidURL`, `.unsupported`, `.unreachable`, `.timedOut`, `.cancelled`.
    public func dial(
        _ url: String, timeout: Duration
    ) async throws(TransportError) -> any Connection {
        let endpoint = try Endpoint(url)
        var address: OpaquePointer?
        let code = unsafe nng_stream_dialer_alloc(&address, url)
        guard code == 0 else { throw failure(endpoint, UInt32(bitPattern: code)) }
        if endpoint.scheme == .tcp {
            _ = unsafe nng_stream_dialer_set_bool(address, NNG_OPT_TCP_NODELAY, true)
            _ = unsafe nng_stream_dialer_set_bool(address, NNG_OPT_TCP_KEEPALIVE, true)
        }
        let dialer = try NNGHandle(.dialer, address: UInt(bitPattern: address))
        let result = await withTaskCancellationHandler {
            await dialer.run(.dial, timeout: timeout)
        } onCancel: {
            dialer.close()
        }
        guard result.code == 0, result.output != 0 else {
            let isCancelled = dialer.isClosed
            dialer.close()
            if isCancelled { throw .cancelled(peer: url) }
            if result.code == NNG_ETIMEDOUT.rawValue {
                throw .timedOut(what: "connecting to", peer: url, after: timeout)
            }
            throw failure(endpoint, result.code)
        }
        let stream = try NNGStream(address: result.output, parent: dialer)
        let connection = FramedConnection(stream, limits: limits, pool: pool)
        guard !Task.isCancelled else {
            connection.close()
            throw .cancelled(peer: url)
        }
        return connection
    }
}

/// What a code of nng means for somebody who listens or dials.
private func failure(_ endpoint: Endpoint, _ code: UInt32) -> TransportError {
    let url = endpoint.url
    switch code {
    case NNG_EADDRINUSE.rawValue: return .addressInUse(url: url)
    case NNG_EPERM.rawValue: return .notPermitted(url: url)
    case NNG_EADDRINVAL.rawValue, NNG_EINVAL.rawValue:
        return .invalidURL(url: url, problem: nngMessage(code))
    case NNG_ENOTSUP.rawValue: return .unsupported(url: url, problem: nngMessage(code))
    case NNG_ECLOSED.rawValue: return .closed(peer: url)
    case NNG_ENOFILES.rawValue, NNG_ENOMEM.rawValue:
        return .outOfResources(what: "a connection at \(url)", problem: nngMessage(code))
    default: return .unreachable(url: url, problem: nngMessage(code))
    }
}

/// A connected socket.
@safe final class NNGStream: ByteStream {
    let peer: String
    let isLoopback: Bool
    private let handle: NNGHandle

    /// Takes over the nng stream at `address`; `parent` is the dialer that made it.
    init(address: UInt, parent: NNGHandle? = nil) throws(TransportError) {
        (peer, isLoopback) = Self.describePeer(address)
        handle = try NNGHandle(.stream, address: address, parent: parent)
    }

    deinit { handle.close() }

    func read(into slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        outcome(await handle.run(.read, slices, timeout: timeout))
    }

    func write(_ slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        outcome(await handle.run(.write, slices, timeout: timeout))
    }

    func close() { handle.close() }

    private func outcome(_ result: NNGResult) -> StreamOutcome {
        switch result.code {
        case 0: .moved(result.count)
        case NNG_ETIMEDOUT.rawValue: .timedOut
        // nng says "closed" whichever side it was.
        case NNG_ECLOSED.rawValue, NNG_ECANCELED.rawValue:
            handle.isClosed ? .closed : .peerClosed
        case NNG_ECONNRESET.rawValue, NNG_ECONNSHUT.rawValue, NNG_ECONNABORTED.rawValue:
            .peerClosed
        default: .failed(nngMessage(result.code))
        }
    }

    private static func describePeer(_ address: UInt) -> (String, Bool) {
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
            return ("tcp \(parts.joined(separator: ".")):\(port)", host >> 24 == 127)
        case NNG_AF_INET6:
            let port = unsafe UInt16(bigEndian: name.s_in6.sa_port)
            let bytes = unsafe withUnsafeBytes(of: name.s_in6.sa_addr) { unsafe Array($0) }
            let words = stride(from: 0, to: 16, by: 2).map { index in
                String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
            }
            let isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
            return ("tcp [\(words.joined(separator: ":"))]:\(port)", isLoopback)
        case NNG_AF_IPC:
            var pid: UInt64 = 0
            let code = unsafe nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_PID, &pid)
            return (code == 0 ? "ipc pid \(pid)" : "ipc", true)
        default:
            return ("an unknown peer", false)
        }
    }
}

/// A listening socket.
@safe final class NNGListener: Listener {
    let url: String
    private let handle: NNGHandle
    private let limits: ConnectionLimits
    private let pool: BufferPool

    init(
        _ endpoint: Endpoint, limits: ConnectionLimits, pool: BufferPool
    ) throws(TransportError) {
        self.limits = limits
        self.pool = pool
        var address: OpaquePointer?
        var code = unsafe nng_stream_listener_alloc(&address, endpoint.url)
        guard code == 0 else { throw failure(endpoint, UInt32(bitPattern: code)) }
        if endpoint.scheme == .tcp {
            _ = unsafe nng_stream_listener_set_bool(address, NNG_OPT_TCP_NODELAY, true)
            _ = unsafe nng_stream_listener_set_bool(address, NNG_OPT_TCP_KEEPALIVE, true)
        }
        code = unsafe nng_stream_listener_listen(address)
        guard code == 0 else {
            unsafe nng_stream_listener_free(address)
            throw failure(endpoint, UInt32(bitPattern: code))
        }
        var port: Int32 = 0
        let hasPort =
            unsafe nng_stream_listener_get_int(address, NNG_OPT_TCP_BOUND_PORT, &port) == 0
        url = hasPort ? endpoint.withPort(Int(port)) : endpoint.url
        handle = try NNGHandle(.listener, address: UInt(bitPattern: address))
    }

    deinit { handle.close() }

    func close() { handle.close() }

    /// How often, and after which pause, a want of descriptors or memory is waited out: 5 s.
    private static let resourceTries = 50
    private static let resourcePause = Duration.milliseconds(100)

    func accept() async throws(TransportError) -> any Connection {
        var tries = 0
        while true {
            let result = await withTaskCancellationHandler {
                await handle.run(.accept, timeout: nil)
            } onCancel: {
                handle.abandon(.accept)
            }
            switch result.code {
            case 0:
                let stream = try NNGStream(address: result.output)
                return FramedConnection(stream, limits: limits, pool: pool)
            case NNG_ECANCELED.rawValue: throw .cancelled(peer: url)
            case NNG_ECLOSED.rawValue: throw .closed(peer: url)
            case NNG_ENOFILES.rawValue, NNG_ENOMEM.rawValue:
                tries += 1
                guard tries < Self.resourceTries else {
                    throw .outOfResources(
                        what: "accepting at \(url)", problem: nngMessage(result.code))
                }
                // A cancelled sleep is noticed by the next turn's wait.
                try? await Task.sleep(for: Self.resourcePause)
            case NNG_ECONNABORTED.rawValue, NNG_ECONNRESET.rawValue:
                // The peer left before it was accepted: nobody else is concerned.
                continue
            default:
                throw .system(what: "accepting at \(url)", problem: nngMessage(result.code))
            }
        }
    }
}
