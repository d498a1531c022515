import CoordinatorCore
import Identity
import Messages
import Testing

/// Who may take part, and what each role may do.
@Suite struct TrustTests {
    private let authority = TokenAuthority(key: TokenKey())

    private func bench() -> Bench {
        var settings = benchSettings()
        settings.authority = authority
        return Bench(settings)
    }

    private func token(_ role: PeerRole, _ name: String) -> Token {
        authority.key.token(for: role, name: name)
    }

    /// Greets, then says hello with a proof of `token`; the name is the token's unless given.
    private func sayHello(
        _ bench: inout Bench, _ token: Token?, role: PeerRole? = nil, name: String? = nil,
        nonces: Nonces? = nil
    ) -> (id: ConnectionID, hello: Hello, nonces: Nonces, effects: [Effect]) {
        let id = bench.connect()
        let own = greeting(bench.request(id, .greet(bench.greet)), bench.greet)
        var hello = bench.hello(
            name ?? token?.name ?? "w", role: role ?? token?.role ?? .worker)
        if let token {
            hello.proof = HelloProof(of: token, name: hello.name, nonces: nonces ?? own)
        }
        return (id, hello, own, bench.request(id, .hello(hello)))
    }

    private func greeting(_ effects: [Effect], _ greet: Greet) -> Nonces {
        guard case .greeting(let greeting)? = effects.replies.first else {
            return Nonces(peer: [], coordinator: [])
        }
        return Nonces(peer: greet.nonce, coordinator: greeting.nonce)
    }

    @Test(arguments: PeerRole.allCases)
    func `a token lets its holder in, and the coordinator proves itself`(role: PeerRole) throws {
        var bench = bench()
        let token = token(role, "b2")
        let (_, _, nonces, effects) = sayHello(&bench, token)
        let welcome = try #require(effects.welcome)
        #expect(welcome.isProved(by: token, nonces: nonces))
        #expect(!welcome.isProved(by: self.token(role, "b2"), nonces: nonces))
    }

    @Test func `nobody gets in without a token, and hears nothing else`() {
        var bench = bench()
        let id = bench.connect()
        _ = bench.request(id, .greet(bench.greet))
        var hello = bench.hello("w")
        hello.fingerprint = .zero
        let effects = bench.request(id, .hello(hello))
        #expect(effects.refusal == .tokenNeeded)
        #expect(effects.closed == [id])
    }

    @Test func `a token of another authority, role or name is refused`() {
        var bench = bench()
        let foreign = TokenAuthority(key: TokenKey()).key.token(for: .worker, name: "b2")
        for (token, role, name) in [
            (foreign, PeerRole.worker, "b2"), (token(.viewer, "b2"), .worker, "b2"),
            (token(.viewer, "b2"), .operator, "b2"), (token(.worker, "b2"), .operator, "b2"),
            (token(.worker, "b2"), .worker, "b3"),
        ] {
            let (id, _, _, effects) = sayHello(&bench, token, role: role, name: name)
            #expect(effects.refusal == .wrongToken)
            #expect(effects.closed == [id])
        }
        #expect(sayHello(&bench, token(.worker, "b2"), name: "b2.7").effects.welcome != nil)
    }

    @Test func `a hello that was overheard proves nothing on another connection`() {
        var bench = bench()
        let (_, heard, _, effects) = sayHello(&bench, token(.worker, "b2"))
        #expect(effects.welcome != nil)
        let id = bench.connect()
        _ = bench.request(id, .greet(bench.greet))
        let replay = bench.request(id, .hello(heard))
        #expect(replay.refusal == .wrongToken)
        #expect(replay.closed == [id])
    }

    @Test func `a hello on the connection of its own welcome is out of order`() {
        var bench = bench()
        let (id, hello, _, _) = sayHello(&bench, token(.viewer, "v"))
        #expect(bench.request(id, .hello(hello)).refusal == .outOfOrder)
    }

    @Test func `a token that was taken back is refused`() {
        var settings = benchSettings()
        let token = token(.worker, "b2")
        settings.authority = TokenAuthority(key: authority.key, revoked: [token.id])
        var bench = Bench(settings)
        #expect(sayHello(&bench, token).effects.refusal == .wrongToken)
        #expect(sayHello(&bench, self.token(.worker, "b2")).effects.welcome != nil)
    }

    // MARK: Roles

    private let stop = Request.steer(Steer(action: .stop, detail: "enough"))

    private func client(
        _ bench: inout Bench, _ role: PeerRole
    ) -> (id: ConnectionID, incarnation: Incarnation) {
        let (id, _, _, effects) = sayHello(&bench, token(role, "c"))
        return (id, effects.welcome?.incarnation ?? Incarnation(rawValue: 0))
    }

    private func looks(
        _ bench: inout Bench, _ id: ConnectionID, _ incarnation: Incarnation
    ) -> Bool {
        bench.request(id, .status, as: incarnation).contains {
            if case .replyStatus(id, _) = $0 { true } else { false }
        }
    }

    @Test func `a viewer may look and not act`() {
        var bench = bench()
        let (id, incarnation) = client(&bench, .viewer)
        #expect(looks(&bench, id, incarnation))
        #expect(bench.request(id, stop, as: incarnation).refusal == .notAllowed)
        let lease = bench.request(id, .requestLease(RequestLease(slot: 0)), as: incarnation)
        #expect(lease.refusal == .outOfOrder)
        #expect(looks(&bench, id, incarnation), "the connection stays")
    }

    @Test func `an operator may look and act, and the same wish again changes nothing`() {
        var bench = bench()
        let (id, incarnation) = client(&bench, .operator)
        #expect(looks(&bench, id, incarnation))
        let first = bench.request(id, stop, as: incarnation)
        #expect(first.replies.contains(.accepted))
        #expect(first.notes.contains { $0.contains("enough") })
        let second = bench.request(id, stop, as: incarnation)
        #expect(second.replies.contains(.accepted))
        #expect(!second.notes.contains { $0.contains("enough") })
    }

    @Test func `a worker works and does not act`() {
        var bench = bench()
        let (id, _, _, effects) = sayHello(&bench, token(.worker, "b2"))
        let incarnation = effects.welcome?.incarnation ?? Incarnation(rawValue: 0)
        #expect(bench.request(id, stop, as: incarnation).refusal == .notAllowed)
    }

    @Test func `where no tokens are asked for everybody is who he says`() {
        var bench = Bench()
        let (id, effects) = bench.sayHello(bench.hello("c", role: .operator))
        let welcome = effects.welcome
        #expect(welcome?.code == .zero)
        let incarnation = welcome?.incarnation ?? Incarnation(rawValue: 0)
        #expect(bench.request(id, stop, as: incarnation).replies.contains(.accepted))
    }

    @Test func `a client's goodbye closes its connection`() {
        var bench = bench()
        let (id, incarnation) = client(&bench, .viewer)
        let effects = bench.request(id, .goodbye(Goodbye(detail: "")), as: incarnation)
        #expect(effects.replies.contains(.accepted))
        #expect(effects.closed == [id])
    }
}
