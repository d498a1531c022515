import Testing
import Transport
import Wire

@Suite struct AddressTests {
    @Test(.timeLimit(.minutes(1))) func `port 0 is reported as the port in use`() async throws {
        let listener = try await NNGNetwork().listen("tcp://127.0.0.1:0")
        defer { listener.close() }
        #expect(try port(listener.url) > 0)
        #expect(listener.url.hasPrefix("tcp://127.0.0.1:"))
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `an address in use is named`(kind: Kind) async throws {
        let network = kind.network()
        let listener = try await network.listen(kind.url)
        defer { listener.close() }
        let error = await transportError { _ = try await network.listen(listener.url) }
        #expect(error == .addressInUse(url: listener.url))
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `nobody there is unreachable`(kind: Kind) async throws {
        let network = kind.network()
        let listener = try await network.listen(kind.url)
        let url = listener.url
        listener.close()
        // The listener lets go of its address on the reaper's thread.
        var error: TransportError?
        for _ in 0..<200 {
            do {
                try await network.dial(url, timeout: .seconds(2)).close()
                try await Task.sleep(for: .milliseconds(10))
            } catch let failure as TransportError {
                error = failure
                break
            }
        }
        guard case .unreachable(url, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a dial that nobody answers ends after its limit`() async throws {
        let listener = try DeafListener()
        defer { listener.close() }
        let url = "tcp://127.0.0.1:\(listener.port)"
        let limit = Duration.milliseconds(300)
        var connections: [any Connection] = []
        var error: TransportError?
        // The queue takes a few connections, then the system leaves further ones unanswered.
        while error == nil, connections.count < 50 {
            do throws(TransportError) {
                connections.append(try await NNGNetwork().dial(url, timeout: limit))
            } catch let failure {
                error = failure
            }
        }
        #expect(error == .timedOut(what: "connecting to", peer: url, after: limit))
        for connection in connections { connection.close() }
    }

    @Test(arguments: [
        "tcp://127.0.0.1", "127.0.0.1:4700", "tcp://127.0.0.1:66000", "http://127.0.0.1:80",
        "ipc://relative/path", "", "tcp://:x", "ipc:///\(String(repeating: "x", count: 200))",
    ])
    func `a malformed address is refused`(url: String) async {
        let network = NNGNetwork()
        for error in [
            await transportError { _ = try await network.listen(url) },
            await transportError { _ = try await network.dial(url, timeout: .seconds(1)) },
        ] {
            guard case .invalidURL(url, _)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func `TLS without keys, or with keys that are none, is refused`() async {
        let url = "tls+tcp://127.0.0.1:0"
        let nonsense = TLSIdentity(
            authority: "no", certificate: "no", privateKey: "no", listenerName: "x")
        for network in [NNGNetwork(), NNGNetwork(identity: nonsense)] {
            for error in [
                await transportError { _ = try await network.listen(url) },
                await transportError { _ = try await network.dial(url, timeout: .seconds(1)) },
            ] {
                guard case .unusableIdentity(url, _)? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `a cancelled accept leaves the listener usable`(kind: Kind) async throws {
        let network = kind.network()
        let listener = try await network.listen(kind.url)
        defer { listener.close() }
        let waiting = Task { try await listener.accept() }
        try await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        let error = await transportError { _ = try await waiting.value }
        #expect(error == .cancelled(peer: listener.url))
        let dialled = try await network.dial(listener.url, timeout: .seconds(5))
        let accepted = try await listener.accept()
        async let sending: Void = dialled.send(message(10))
        #expect(try await accepted.receive().kind == 7)
        try await sending
        accepted.close()
        dialled.close()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `closing a listener ends the wait for peers`(kind: Kind) async throws {
        let listener = try await kind.network().listen(kind.url)
        let waiting = Task { try await listener.accept() }
        try await Task.sleep(for: .milliseconds(20))
        listener.close()
        listener.close()
        let error = await transportError { _ = try await waiting.value }
        #expect(error == .closed(peer: listener.url))
    }

    @Test(.timeLimit(.minutes(1))) func `a peer is named by transport and place`() async throws {
        for kind in Kind.allCases {
            let pair = try await Pair(kind)
            #expect(pair.accepted.isLoopback)
            #expect(pair.accepted.peer.hasPrefix(kind.rawValue))
            pair.close()
        }
    }

    @Test func `every error is a sentence that says what to do`() {
        let errors: [TransportError] = [
            .invalidURL(url: "x", problem: "y"), .unsupported(url: "x", problem: "y"),
            .unreachable(url: "x", problem: "y"), .addressInUse(url: "x"),
            .notPermitted(url: "x"), .timedOut(what: "a", peer: "b", after: .seconds(1)),
            .closed(peer: "x"), .closedByPeer(peer: "x", midMessage: true),
            .peerStalled(peer: "x", after: .seconds(1)), .frame(.trailingBytes(1), peer: "x"),
            .notTrusted(peer: "x", problem: "y"), .handshakeEnded(peer: "x"),
            .unusableIdentity(url: "x", problem: "y"),
            .messageTooLarge(peer: "x", byteCount: 2, limit: 1),
            .sendQueueFull(peer: "x", queuedBytes: 2, limit: 1), .cancelled(peer: "x"),
            .outOfResources(what: "x", problem: "y"), .system(what: "x", problem: "y"),
        ]
        for error in errors { #expect(error.description.count > 10) }
    }
}
