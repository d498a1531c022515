import Buffers
import Foundation
import Synchronization
import Testing
import Transport
import Wire

/// The networks that must behave alike.
enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case tcp, tls, ipc, memory

    var testDescription: String { rawValue }

    func network(_ limits: ConnectionLimits = .open) -> any Network {
        switch self {
        case .memory: InMemoryNetwork(limits: limits)
        case .tls: SecureNetwork(limits)
        case .tcp, .ipc: NNGNetwork(limits: limits)
        }
    }

    /// An address that nobody else uses.
    var url: String {
        switch self {
        case .tcp: "tcp://127.0.0.1:0"
        case .tls: "tls+tcp://127.0.0.1:0"
        case .memory: "memory://test:0"
        case .ipc: "ipc://\(NSTemporaryDirectory())pleiad-\(UUID().uuidString.prefix(8)).sock"
        }
    }
}

extension ConnectionLimits {
    /// Large messages at once, as after a hello, and patience: other tests of the process may keep
    /// every thread busy for a while.
    static let open = ConnectionLimits(stallLimit: .seconds(60), maxFirstBodyBytes: 1 << 30)
}

/// Two connected ends and what made them.
struct Pair {
    let listener: any Listener
    let dialled: any Connection
    let accepted: any Connection

    init(_ kind: Kind, _ limits: ConnectionLimits = .open) async throws {
        try await self.init(kind.network(limits), kind.url)
    }

    init(_ network: any Network, _ url: String) async throws {
        let listener = try await network.listen(url)
        self.listener = listener
        async let accepting = listener.accept()
        dialled = try await network.dial(listener.url, timeout: .seconds(30))
        accepted = try await accepting
        guard url.hasPrefix("tls+") else { return }
        // The two sides agree on keys only while both take part.
        try await meet(dialled, accepted)
        try await meet(accepted, dialled)
    }

    private func meet(_ a: any Connection, _ b: any Connection) async throws {
        async let heard = b.receive()
        try await a.send(message(1))
        _ = try await heard
    }

    func close() {
        dialled.close()
        accepted.close()
        listener.close()
    }
}

/// A message with one tensor of a recognisable pattern.
func message(_ byteCount: Int, requestID: UInt64 = 1, seed: UInt64 = 1) -> WireMessage {
    let tensor = WireTensor(
        name: "t", type: .u8, dims: [byteCount], buffer: patterned(byteCount, seed: seed))
    return WireMessage(
        kind: 7, flags: 1, incarnation: 2, requestID: requestID, step: 4, slice: 5,
        body: MessageBody(fields: [1, 2, 3], tensors: [tensor]))
}

/// Memory that differs from place to place; made word by word, since tests are not optimised.
func patterned(_ byteCount: Int, seed: UInt64 = 1) -> AlignedBuffer {
    var block: [UInt8] = []
    var state = seed
    for _ in 0..<4099 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        block.append(UInt8(truncatingIfNeeded: state >> 56))
    }
    let buffer = AlignedBuffer(byteCount: byteCount)
    var offset = 0
    while offset < byteCount {
        let count = min(block.count, byteCount - offset)
        BufferSlice(buffer, byteOffset: offset, byteCount: count).write(Array(block[..<count]))
        offset += count
    }
    return buffer
}

/// The bytes of a tensor.
func bytes(_ tensor: WireTensor) -> BufferSlice {
    BufferSlice(tensor.buffer, byteOffset: tensor.byteOffset, byteCount: tensor.byteCount)
}

/// The transport error that `body` throws.
func transportError(
    _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) async -> TransportError? {
    await #expect(throws: TransportError.self, sourceLocation: sourceLocation) {
        try await body()
    }
}

/// A plain socket that writes what it likes: for bytes that a connection would never send.
struct RawPeer {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(
                    descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
    }

    func close() { _ = Glibc.close(descriptor) }

    func write(_ bytes: [UInt8]) {
        _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Waits until the other side closes; false if it does not within 5 s.
    func isClosedByPeer() -> Bool {
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var byte: [UInt8] = [0]
        let count = unsafe recv(descriptor, &byte, 1, 0)
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }
}

/// A socket whose queue of connections nobody empties.
struct DeafListener {
    private let descriptor: Int32
    let port: Int

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        try #require(Glibc.listen(descriptor, 0) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe getsockname(descriptor, pointer, &length)
            }
        }
        try #require(code == 0)
        port = Int(in_port_t(bigEndian: address.sin_port))
    }

    func close() { _ = Glibc.close(descriptor) }
}

/// The port of a `tcp://` address.
func port(_ url: String) throws -> Int {
    let digits = try #require(url.split(separator: ":").last)
    return try #require(Int(digits))
}
