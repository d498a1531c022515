import Buffers
import CNNG
import Synchronization
import Wire

/// The network as nng 1.5.2's byte streams give it: `tls+tcp://HOST:PORT`, `tcp://HOST:PORT` and
/// `ipc:///PATH`.
///
/// Never fork after first use: nng's threads do not survive it, and it aborts.
public struct NNGNetwork: Network {
    private let limits: ConnectionLimits
    private let pool = BufferPool(freeBytesMax: receivePoolBytesMax)
    private let identity: TLSIdentity?

    /// A network whose connections begin with these limits.
    ///
    /// - Parameter identity: what this side shows and trusts under `tls+tcp://`; nil if it uses no
    ///   TLS.
    public init(limits: ConnectionLimits = .standard, identity: TLSIdentity? = nil) {
        self.limits = limits
        self.identity = identity
    }

    /// Begins to listen; port 0 takes a free port, which the listener's `url` names.
    ///
    /// - Throws: `.invalidURL`, `.unsupported`, `.unusableIdentity`, `.addressInUse`,
    ///   `.notPermitted`, `.system`.
    public func listen(_ url: String) async throws(TransportError) -> any Listener {
        try NNGListener(Endpoint(url), limits: limits, pool: pool, identity: identity)
    }

    /// Connects in one attempt; Nagle's delay is off and keepalive on.
    ///
    /// Under TLS the two sides agree on keys with the first message: only then `send` or `receive`
    /// throws `.notTrusted` or `.handshakeEnded`.
    ///
    /// - Throws: `.invalidURL`, `.unsupported`, `.unusableIdentity`, `.unreachable`, `.timedOut`,
    ///   `.cancelled`.
    public func dial(
        _ url: String, timeout: Duration
    ) async throws(TransportError) -> any Connection {
        let endpoint = try Endpoint(url)
        var address: OpaquePointer?
        let code = unsafe nng_stream_dialer_alloc(&address, url)
        guard code == 0 else { throw failure(endpoint, UInt32(bitPattern: code)) }
        if endpoint.scheme != .ipc {
            _ = unsafe nng_stream_dialer_set_bool(address, NNG_OPT_TCP_NODELAY, true)
            _ = unsafe nng_stream_dialer_set_bool(address, NNG_OPT_TCP_KEEPALIVE, true)
        }
        let dialer = try NNGHandle(.dialer, address: UInt(bitPattern: address))
        if endpoint.scheme == .tls {
            do throws(TransportError) {
                try useTLS(identity, asListener: false, UInt(bitPattern: address), url: url)
            } catch {
                dialer.close()
                throw error
            }
        }
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
        let stream = try NNGStream(
            address: result.output, isEncrypted: endpoint.scheme == .tls, parent: dialer)
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

/// A listening socket.
@safe final class NNGListener: Listener {
    let url: String
    private let handle: NNGHandle
    private let limits: ConnectionLimits
    private let pool: BufferPool
    private let isEncrypted: Bool

    init(
        _ endpoint: Endpoint, limits: ConnectionLimits, pool: BufferPool, identity: TLSIdentity?
    ) throws(TransportError) {
        self.limits = limits
        self.pool = pool
        isEncrypted = endpoint.scheme == .tls
        var address: OpaquePointer?
        var code = unsafe nng_stream_listener_alloc(&address, endpoint.url)
        guard code == 0 else { throw failure(endpoint, UInt32(bitPattern: code)) }
        if endpoint.scheme != .ipc {
            _ = unsafe nng_stream_listener_set_bool(address, NNG_OPT_TCP_NODELAY, true)
            _ = unsafe nng_stream_listener_set_bool(address, NNG_OPT_TCP_KEEPALIVE, true)
        }
        if isEncrypted {
            do throws(TransportError) {
                try useTLS(
                    identity, asListener: true, UInt(bitPattern: address), url: endpoint.url)
            } catch {
                unsafe nng_stream_listener_free(address)
                throw error
            }
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
                let stream = try NNGStream(address: result.output, isEncrypted: isEncrypted)
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
