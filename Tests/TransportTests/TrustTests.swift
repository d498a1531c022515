import Foundation
import Identity
import Testing
import Transport
import Wire

/// Whom the two sides of a TLS connection trust, over real sockets.
@Suite(.timeLimit(.minutes(3))) struct TrustTests {
    /// How a first message and its answer fare between two sides.
    private struct Meeting {
        /// Why the side that dialled got no answer; nil if it got one.
        var dialler: TransportError?
        /// Why the side that listens got no message; nil if it got one.
        var listener: TransportError?

        var succeeds: Bool { dialler == nil && listener == nil }
    }

    /// The listener answers the first message; both give up after 50 s.
    private func meet(
        listening: TLSIdentity, dialling: TLSIdentity
    ) async throws -> Meeting {
        let listener = try await NNGNetwork(limits: .open, identity: listening)
            .listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        async let accepting = listener.accept()
        let dialled = try await NNGNetwork(limits: .open, identity: dialling)
            .dial(listener.url, timeout: .seconds(30))
        let accepted = try await accepting
        let patience = Task {
            try await Task.sleep(for: .seconds(50))
            dialled.close()
            accepted.close()
        }
        defer { patience.cancel() }
        async let heard = Self.failure {
            try await accepted.send(try await accepted.receive())
        }
        let said = await Self.failure {
            try await dialled.send(message(64))
            _ = try await dialled.receive()
        }
        dialled.close()
        return Meeting(dialler: said, listener: await heard)
    }

    private static func failure(
        _ body: @Sendable () async throws -> Void
    ) async -> TransportError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? TransportError ?? .system(what: "x", problem: "\(error)")
        }
    }

    @Test func `two sides of one authority trust each other`() async throws {
        let keys = try TLSKeys.sound()
        let meeting = try await meet(listening: keys.coordinator, dialling: keys.peer)
        #expect(meeting.succeeds, "\(meeting)")
    }

    @Test func `a peer of another authority is refused, and says so`() async throws {
        let keys = try TLSKeys.sound()
        let stranger = try TLSKeys.stranger.get()
        let peer = TLSKeys.identity(
            try TLSKeys.make(.peer, "w", by: stranger), trusting: try TLSKeys.authority.get())
        // Every time the listener refuses. It closes at once, and the kernel may drop the alert
        // that tells the dialler why before it is read: then that knows only that it was refused.
        var meeting = try await meet(listening: keys.coordinator, dialling: peer)
        for _ in 0..<7 where isHandshakeEnded(meeting.dialler) {
            #expect(isNotTrusted(meeting.listener), "\(meeting)")
            meeting = try await meet(listening: keys.coordinator, dialling: peer)
        }
        #expect(isNotTrusted(meeting.listener), "\(meeting)")
        #expect(isNotTrusted(meeting.dialler), "\(meeting)")
    }

    @Test func `a coordinator of another authority is refused by its peers`() async throws {
        let keys = try TLSKeys.sound()
        let stranger = try TLSKeys.stranger.get()
        let coordinator = TLSKeys.identity(
            try TLSKeys.make(.coordinator, "c", by: stranger),
            trusting: try TLSKeys.authority.get())
        let meeting = try await meet(listening: coordinator, dialling: keys.peer)
        #expect(isNotTrusted(meeting.dialler), "\(meeting)")
        #expect(meeting.listener != nil)
    }

    @Test func `a peer whose certificate has expired is refused`() async throws {
        let keys = try TLSKeys.sound()
        let authority = try TLSKeys.authority.get()
        let past = Validity(from: TLSKeys.now - 7200, until: TLSKeys.now - 3600)
        let peer = TLSKeys.identity(
            try TLSKeys.make(.peer, "w", by: authority, past), trusting: authority)
        let meeting = try await meet(listening: keys.coordinator, dialling: peer)
        #expect(isNotTrusted(meeting.listener), "\(meeting)")
        #expect(meeting.dialler != nil)
    }

    @Test func `a coordinator whose certificate has expired or is not yet valid is refused`()
        async throws
    {
        let keys = try TLSKeys.sound()
        let authority = try TLSKeys.authority.get()
        for validity in [
            Validity(from: TLSKeys.now - 7200, until: TLSKeys.now - 3600),
            Validity(from: TLSKeys.now + 3600, until: TLSKeys.now + 7200),
        ] {
            let coordinator = TLSKeys.identity(
                try TLSKeys.make(.coordinator, "c", by: authority, validity),
                trusting: authority)
            let meeting = try await meet(listening: coordinator, dialling: keys.peer)
            #expect(isNotTrusted(meeting.dialler), "\(meeting)")
        }
    }

    @Test func `a peer's certificate cannot pose as the coordinator's`() async throws {
        let keys = try TLSKeys.sound()
        let meeting = try await meet(listening: keys.peer, dialling: keys.peer)
        #expect(isNotTrusted(meeting.dialler), "\(meeting)")
        #expect(meeting.listener != nil)
    }

    /// The common name is not what counts, and a certificate for connecting is none for listening.
    @Test func `a peer that is named like the coordinator cannot pose as it`() async throws {
        let keys = try TLSKeys.sound()
        let authority = try TLSKeys.authority.get()
        let poser = TLSKeys.identity(
            try TLSKeys.make(.peer, coordinatorHostName, by: authority), trusting: authority)
        let meeting = try await meet(listening: poser, dialling: keys.peer)
        #expect(isNotTrusted(meeting.dialler), "\(meeting)")
    }

    /// A peer's certificate signs nothing: what it has signed is not the authority's.
    @Test func `a certificate that a peer has signed is refused`() async throws {
        let keys = try TLSKeys.sound()
        let authority = try TLSKeys.authority.get()
        let insider = try TLSKeys.make(.peer, "w", by: authority)
        let forged = try TLSKeys.make(.coordinator, "c", by: insider)
        let chained = CertifiedKey(
            certificate: forged.certificate + insider.certificate, privateKey: forged.privateKey)
        let coordinator = TLSKeys.identity(chained, trusting: authority)
        let meeting = try await meet(listening: coordinator, dialling: keys.peer)
        #expect(isNotTrusted(meeting.dialler), "\(meeting)")
    }

    @Test func `a peer that speaks no TLS is refused, and the listener goes on`() async throws {
        let network = SecureNetwork(.open)
        let listener = try await network.listen("tls+tcp://127.0.0.1:0")
        defer { listener.close() }
        let plain = listener.url.replacing("tls+tcp", with: "tcp")
        let stranger = try await NNGNetwork(limits: .open).dial(plain, timeout: .seconds(30))
        let accepted = try await listener.accept()
        try await stranger.send(message(64))
        let refusal = await transportError { _ = try await accepted.receive() }
        #expect(isNotTrusted(refusal), "\(String(describing: refusal))")
        _ = await transportError { _ = try await stranger.receive() }
        stranger.close()
        let friend = try await network.dial(listener.url, timeout: .seconds(30))
        let next = try await listener.accept()
        async let sending: Void = friend.send(message(64))
        #expect(try await next.receive().kind == 7)
        try await sending
        next.close()
        friend.close()
    }

    /// What a coordinator says before it turns somebody away must arrive.
    @Test func `what was sent before a close arrives`() async throws {
        let pair = try await Pair(.tls)
        defer { pair.close() }
        try await pair.dialled.send(message(64))
        _ = try await pair.accepted.receive()
        try await pair.accepted.send(message(4000, requestID: 9))
        pair.accepted.close()
        #expect(try await pair.dialled.receive().requestID == 9)
        let end = await transportError { _ = try await pair.dialled.receive() }
        #expect(end == .closedByPeer(peer: pair.dialled.peer, midMessage: false))
    }

    private func isHandshakeEnded(_ error: TransportError?) -> Bool {
        if case .handshakeEnded? = error { true } else { false }
    }

    private func isNotTrusted(_ error: TransportError?) -> Bool {
        if case .notTrusted? = error { true } else { false }
    }
}
