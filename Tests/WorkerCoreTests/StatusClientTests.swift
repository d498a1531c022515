import Client
import Identity
import Messages
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct StatusClientTests {
    private static let url = "tcp://127.0.0.1:4700"

    /// A coordinator that greets and welcomes a client, then answers its question with `reply`.
    private func serve(_ listener: any Listener, _ reply: Reply?) async throws -> FakePeer {
        let peer = FakePeer(try await listener.accept())
        let greet = try await peer.next()
        let greeting = Greeting(minor: 0, epoch: 1, nonce: Array(repeating: 1, count: 16))
        try await peer.reply(.greeting(greeting), to: greet.id)
        let hello = try await peer.next()
        guard case .hello(let who) = hello.request, who.role == .operator else {
            throw ScriptError.unexpected(hello.request)
        }
        try await peer.reply(.welcome(FakeRun.welcome), to: hello.id)
        let status = try await peer.next()
        guard case .status = status.request else { throw ScriptError.unexpected(status.request) }
        try await peer.push(.over(RunOver(reason: .done, detail: "")))  // is none of its business
        guard let reply else { return peer }
        try await peer.reply(reply, to: status.id)
        if case .refused = reply { return peer }
        let farewell = try await peer.next()
        guard case .goodbye = farewell.request else {
            throw ScriptError.unexpected(farewell.request)
        }
        try await peer.reply(.accepted, to: farewell.id)
        return peer
    }

    @Test func `the status document comes as it was sent`() async throws {
        let network = InMemoryNetwork()
        let listener = try await network.listen(Self.url)
        async let peer = serve(listener, .status("{\"state\":\"running\"}"))
        let client = StatusClient(network: network, url: Self.url)
        #expect(try await client.status() == "{\"state\":\"running\"}")
        _ = try await peer
    }

    @Test func `nobody there is said at once`() async {
        let client = StatusClient(network: InMemoryNetwork(), url: Self.url)
        await #expect {
            try await client.status()
        } throws: { error in
            if case ClientError.nobodyThere(let text) = error {
                text.contains(Self.url)
            } else {
                false
            }
        }
    }

    @Test func `a refusal comes with its code`() async throws {
        let network = InMemoryNetwork()
        let listener = try await network.listen(Self.url)
        async let peer = serve(listener, .refused(Refusal(.tooMany, "64 clients")))
        let client = StatusClient(network: network, url: Self.url)
        await #expect(throws: ClientError.refused(Refusal(.tooMany, "64 clients"))) {
            try await client.status()
        }
        _ = try await peer
    }

    @Test func `a coordinator that says nothing is given up in time`() async throws {
        let network = InMemoryNetwork()
        let listener = try await network.listen(Self.url)
        async let peer = serve(listener, nil)
        let client = StatusClient(
            network: network, url: Self.url, timeout: .milliseconds(200))
        await #expect(throws: ClientError.timedOut(url: Self.url, after: .milliseconds(200))) {
            try await client.status()
        }
        // The client leaves at whatever point of the conversation its time is up.
        _ = try? await peer
    }
}
