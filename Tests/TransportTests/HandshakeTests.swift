import Foundation
import Testing
import Transport
import Wire

/// Peers that connect to a TLS address and do not go through with it.
@Suite(.timeLimit(.minutes(3))) struct HandshakeTests {
    /// The first bytes of a TLS 1.2 handshake: a record that says more is to come.
    static let halfHello: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + [UInt8](1...32)

    @Test func `a peer that stops in the middle of the handshake can be closed`() async throws {
        let listener = try await SecureNetwork(.open).listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        for bytes in [[], Self.halfHello] {
            let peer = try RawPeer(port: try port(listener.url))
            defer { peer.close() }
            peer.write(bytes)
            let accepted = try await listener.accept()
            let waiting = Task { try await accepted.receive() }
            try await Task.sleep(for: .milliseconds(50))
            accepted.close()
            let end = await transportError { _ = try await waiting.value }
            #expect(end == .closed(peer: accepted.peer))
            #expect(peer.isClosedByPeer())
        }
    }

    @Test func `a peer that leaves in the middle of the handshake is noticed`() async throws {
        let listener = try await SecureNetwork(.open).listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        for bytes in [[], Self.halfHello] {
            let peer = try RawPeer(port: try port(listener.url))
            peer.write(bytes)
            let accepted = try await listener.accept()
            let waiting = Task { try await accepted.receive() }
            try await Task.sleep(for: .milliseconds(50))
            peer.close()
            let end = await transportError { _ = try await waiting.value }
            #expect(end == .handshakeEnded(peer: accepted.peer))
        }
    }

    /// A hundred that wait and a hundred that stopped half-way hold nobody else up.
    @Test func `peers that do not shake hands hold nobody up`() async throws {
        let network = SecureNetwork(.open)
        let listener = try await network.listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        var peers: [RawPeer] = []
        var held: [any Connection] = []
        defer {
            for peer in peers { peer.close() }
            for connection in held { connection.close() }
        }
        for index in 0..<200 {
            let peer = try RawPeer(port: try port(listener.url))
            if index % 2 == 0 { peer.write(Self.halfHello) }
            peers.append(peer)
            let accepted = try await listener.accept()
            held.append(accepted)
            Task { try await accepted.receive() }
        }
        let begin = ContinuousClock.now
        let friend = try await network.dial(listener.url, timeout: .seconds(30))
        let accepted = try await listener.accept()
        async let sending: Void = friend.send(message(64))
        #expect(try await accepted.receive().kind == 7)
        try await sending
        #expect(begin.duration(to: .now) < .seconds(30))
        friend.close()
        accepted.close()
    }

    /// nng 1.5.2 forgets the limit of such a write.
    @Test func `a send that waits for the other side's part of the handshake has its limit`()
        async throws
    {
        var limits = ConnectionLimits.open
        limits.stallLimit = .milliseconds(300)
        let network = SecureNetwork(limits)
        let listener = try await network.listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        let dialled = try await network.dial(listener.url, timeout: .seconds(30))
        // Nobody reads at the other end.
        let accepted = try await listener.accept()
        defer { accepted.close() }
        let begin = ContinuousClock.now
        let error = await transportError { try await dialled.send(message(64)) }
        #expect(error == .peerStalled(peer: dialled.peer, after: .milliseconds(300)))
        #expect(begin.duration(to: .now) < .seconds(50))
    }
}
