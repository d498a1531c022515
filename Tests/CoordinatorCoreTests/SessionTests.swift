import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 4, *Identity*, *Connections of a worker*, and section 3, *No stranger in*.
@Suite struct SessionTests {
    @Test func `an incarnation is the epoch and a counter`() {
        var bench = Bench()
        let first = bench.join("a")
        let second = bench.join("b")
        #expect(first.incarnation == Incarnation(epoch: 7, counter: 1))
        #expect(second.incarnation == Incarnation(epoch: 7, counter: 2))
    }

    @Test func `the welcome carries ticket, run file and digests`() throws {
        var bench = Bench()
        let id = bench.connect(ticket: 99)
        _ = bench.request(id, .greet(bench.greet))
        let welcome = try #require(bench.request(id, .hello(bench.hello("a"))).welcome)
        #expect(welcome.ticket == 99)
        #expect(welcome.runFile == bench.machine.settings.runFile)
        #expect(welcome.configDigest == runConfig)
        #expect(welcome.dataDigest == runData)
        #expect(welcome.heartbeatMilliseconds == 250)
    }

    @Test func `hello comes after greet`() {
        var bench = Bench()
        let id = bench.connect()
        let effects = bench.request(id, .hello(bench.hello("a")))
        #expect(effects.refusal == .outOfOrder)
        #expect(effects.closed == [id])
    }

    @Test func `protocol versions that do not meet are refused`() {
        var bench = Bench()
        let id = bench.connect()
        let greet = Greet(minorLowest: 1, minorHighest: 9, nonce: bench.greet.nonce)
        #expect(bench.request(id, .greet(greet)).refusal == .unsupportedVersion)
    }

    @Test func `a newer peer that also speaks our minor is greeted with it`() {
        var bench = Bench()
        let id = bench.connect()
        let greet = Greet(minorLowest: 0, minorHighest: 9, nonce: bench.greet.nonce)
        guard case .greeting(let greeting)? = bench.request(id, .greet(greet)).replies.first else {
            Issue.record("no greeting")
            return
        }
        #expect(greeting.minor == 0)
        #expect(greeting.epoch == 7)
        #expect(greeting.nonce.count == MessageLimits.nonceBytes)
    }

    @Test func `nonces of two connections differ`() {
        var bench = Bench()
        let nonces = (0..<2).compactMap { _ -> [UInt8]? in
            let id = bench.connect()
            guard
                case .greeting(let greeting)? = bench.request(id, .greet(bench.greet)).replies.first
            else { return nil }
            return greeting.nonce
        }
        #expect(nonces.count == 2)
        #expect(nonces.first != nonces.last)
    }

    @Test(arguments: [
        (ErrorCode.fingerprintDiffers, sha256("x"), Digest.zero, Digest.zero),
        (.configDiffers, runFingerprint, sha256("x"), .zero),
        (.dataDiffers, runFingerprint, .zero, sha256("x")),
    ])
    func `a worker with another fingerprint, config or data is refused by name`(
        code: ErrorCode, fingerprint: Digest, config: Digest, data: Digest
    ) {
        var bench = Bench()
        var hello = bench.hello("stranger")
        (hello.fingerprint, hello.configDigest, hello.dataDigest) = (fingerprint, config, data)
        let (id, effects) = bench.sayHello(hello)
        #expect(effects.refusal == code)
        #expect(effects.closed == [id])
        guard case .refused(let refusal)? = effects.replies.first else { return }
        #expect(refusal.detail.contains("stranger"))
    }

    @Test func `a client needs no fingerprint and gets status only`() {
        var bench = Bench()
        var hello = bench.hello("c", role: .viewer)
        hello.fingerprint = .zero
        let (id, effects) = bench.sayHello(hello)
        let incarnation = effects.welcome?.incarnation ?? Incarnation(rawValue: 0)
        let status = bench.request(id, .status, as: incarnation)
        #expect(status.contains { if case .replyStatus(id, _) = $0 { true } else { false } })
        let lease = bench.request(id, .requestLease(RequestLease(slot: 0)), as: incarnation)
        #expect(lease.refusal == .outOfOrder)
    }

    @Test func `a worker that cannot take a version's message is refused with both sizes`() {
        var settings = benchSettings()
        settings.versionBytes = (1 << 30) + 1
        var bench = Bench(settings)
        let effects = bench.sayHello(bench.hello("a")).effects
        #expect(effects.refusal == .badValue)
        #expect(effects.notes.contains { $0.contains("1073741824") && $0.contains("1073741825") })
    }

    @Test(arguments: [
        "", "two words", String(repeating: "x", count: 65), "bell\u{7}", "\u{fc}ber", "a/b",
    ])
    func `a name without sense is refused`(name: String) {
        var bench = Bench()
        #expect(bench.sayHello(bench.hello(name)).effects.refusal == .badValue)
    }

    @Test func `a live name is refused to a second process`() {
        var bench = Bench()
        _ = bench.join("a", process: 1)
        let (id, effects) = bench.sayHello(bench.hello("a", process: 2))
        #expect(effects.refusal == .nameInUse)
        #expect(effects.closed == [id])
    }

    @Test func `a name is free once its connection is gone`() {
        var bench = Bench()
        let first = bench.join("a", process: 1)
        bench.give(.closed(first.bulk))
        #expect(bench.sayHello(bench.hello("a", process: 2)).effects.welcome != nil)
    }

    @Test func `a name is free once its worker is overdue`() {
        var bench = Bench()
        _ = bench.join("a", process: 1)
        bench.wait(3.5)
        #expect(bench.sayHello(bench.hello("a", process: 2)).effects.welcome != nil)
    }

    @Test func `the same process may say hello again and gets a new incarnation`() {
        var bench = Bench()
        let first = bench.join("a", process: 1)
        let (_, effects) = bench.sayHello(bench.hello("a", process: 1))
        #expect(effects.welcome?.incarnation == Incarnation(epoch: 7, counter: 2))
        #expect(effects.closed == [first.control, first.bulk])
    }

    @Test func `a bulk connection begins with attach and the ticket`() {
        var bench = Bench()
        let worker = bench.join("a")
        let id = bench.connect()
        let asked = bench.request(
            id, .requestLease(RequestLease(slot: 0)), as: Incarnation(rawValue: 0))
        #expect(asked.refusal == .outOfOrder)
        #expect(asked.closed == [id])
        let other = bench.connect()
        #expect(bench.request(other, .attach(Attach(ticket: 5))).refusal == .unknownTicket)
        #expect(bench.machine.status(at: bench.now).workers.first?.name == worker.name)
    }

    @Test func `if one of a worker's connections dies all are closed`() {
        var bench = Bench()
        let worker = bench.join("a")
        #expect(bench.give(.closed(worker.bulk)).closed == [worker.control])
        let other = bench.join("b")
        #expect(bench.give(.closed(other.control)).closed == [other.bulk])
    }

    @Test func `connections that say no hello are bounded in number`() {
        var bench = Bench()
        for _ in 0..<4 { _ = bench.connect() }
        let effects = bench.give(.connected(ConnectionID(77), peer: "x", ticket: 1))
        #expect(effects.closed == [ConnectionID(77)])
    }

    @Test func `a connection that says no hello is closed after its term`() {
        var bench = Bench()
        let id = bench.connect()
        #expect(bench.wait(4.9).closed == [])
        #expect(bench.wait(0.3).closed == [id])
    }

    @Test func `greeting alone does not extend the term`() {
        var bench = Bench()
        let id = bench.connect()
        bench.wait(3)
        _ = bench.request(id, .greet(bench.greet))
        #expect(bench.wait(2.3).closed == [id])
    }

    @Test func `a worker is refused when there is no room`() {
        var bench = Bench()
        for number in 0..<8 { _ = bench.join("w\(number)") }
        #expect(bench.sayHello(bench.hello("w8")).effects.refusal == .tooMany)
    }

    @Test func `who is not ready gets no lease`() {
        var bench = Bench()
        let worker = bench.join("a", isReady: false)
        #expect(bench.ask(worker, .requestLease(RequestLease(slot: 0))).refusal == .outOfOrder)
    }

    @Test func `readiness with other digests is refused and the worker closed`() {
        var bench = Bench()
        let worker = bench.join("a", isReady: false)
        let ready = Ready(configDigest: runConfig, dataDigest: sha256("x"), shards: [])
        let effects = bench.ask(worker, .ready(ready))
        #expect(effects.refusal == .dataDiffers)
        #expect(effects.closed == [worker.control, worker.bulk])
    }

    @Test func `goodbye is heard, then all connections are closed`() {
        var bench = Bench()
        let worker = bench.join("a")
        let effects = bench.ask(worker, .goodbye(Goodbye(detail: "told to")))
        #expect(effects.replies == [.accepted])
        #expect(effects.closed == [worker.control, worker.bulk])
        #expect(bench.machine.status(at: bench.now).workers[0].state == .left)
    }

    @Test func `an idle client is closed after a minute`() {
        var bench = Bench()
        let (id, _) = bench.sayHello(bench.hello("c", role: .viewer))
        #expect(bench.wait(59).closed == [])
        #expect(bench.wait(2).closed == [id])
    }
}
