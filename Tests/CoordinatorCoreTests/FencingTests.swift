import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 4, *Identity*: frames of lives that are over, and requests that come again.
@Suite struct FencingTests {
    @Test func `frames of another incarnation get sayHello and have no effect`() {
        var bench = Bench()
        let worker = bench.join("a")
        for old in [Incarnation(epoch: 6, counter: 1), Incarnation(epoch: 7, counter: 9)] {
            let effects = bench.request(
                worker.control, .requestLease(RequestLease(slot: 0)), as: old)
            #expect(effects.refusal == .sayHello)
            #expect(effects.leases.isEmpty)
        }
    }

    @Test func `a stranger with an incarnation is told to say hello`() {
        var bench = Bench()
        let id = bench.connect()
        let effects = bench.request(
            id, .heartbeat(Heartbeat(slots: [])), as: Incarnation(epoch: 6, counter: 1))
        #expect(effects.refusal == .sayHello)
        #expect(effects.closed == [id])
    }

    @Test func `tensors from another incarnation are dropped`() {
        var bench = Bench()
        let worker = bench.join("a")
        let input = Exchange(step: StepNumber(0), slice: SliceNumber(0), round: 0, digest: .zero)
        let effects = bench.request(
            worker.bulk, .exchange(input), as: Incarnation(epoch: 6, counter: 1))
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `tensors from a closed connection are dropped without a reply`() {
        var bench = Bench()
        let worker = bench.join("a")
        bench.give(.closed(worker.control))
        let effects = bench.exchange(worker, step: 0, slice: 0)
        #expect(effects.stagingEnds == ["drop"])
        #expect(effects.replies.isEmpty)
    }

    @Test func `a repeated request gets the same reply and has no second effect`() {
        var bench = Bench()
        let worker = bench.join("a")
        let id = bench.nextRequest()
        let request = Event.request(
            worker.control, id, worker.incarnation, .requestLease(RequestLease(slot: 0)))
        let first = bench.give(request)
        let second = bench.give(request)
        #expect(first.replies == second.replies)
        #expect(bench.machine.status(at: bench.now).workers[0].slices == [0])
    }

    @Test func `a request repeated while it waits is answered wherever it was made`() {
        var bench = Bench(prepared: false)
        let worker = bench.join("a")
        let id = bench.nextRequest()
        let ask = Request.requestLease(RequestLease(slot: 0))
        #expect(bench.give(.request(worker.control, id, worker.incarnation, ask)).isEmpty)
        #expect(bench.give(.request(worker.bulk, id, worker.incarnation, ask)).isEmpty)
        let effects = bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        let connections = effects.compactMap {
            if case .reply(let connection, id, .lease) = $0 { connection } else { nil }
        }
        #expect(connections == [worker.control, worker.bulk])
        #expect(effects.leases.count == 2)
        #expect(Set(effects.leases).count == 1)
    }

    @Test func `a repeated input is staged and dropped, and answered again`() {
        var bench = Bench(benchSettings(groups: [0..<1, 1..<4]))
        let worker = bench.join("a")
        let slice = bench.lease(worker) ?? -1
        let id = bench.nextRequest()
        let input = Exchange(
            step: StepNumber(0), slice: SliceNumber(slice), round: 0,
            digest: inputDigest(0, slice))
        let event = Event.request(worker.bulk, id, worker.incarnation, .exchange(input))
        #expect(bench.give(event).stagingEnds == ["input"])
        let again = bench.give(event)
        #expect(again.stagingEnds == ["drop"])
        #expect(again.answers.count == 1)
    }

    @Test func `requests that wait are bounded`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0), prepared: false)
        let worker = bench.join("a")
        var refused = 0
        for _ in 0..<40 {
            let effects = bench.ask(worker, .requestLease(RequestLease(slot: 0)))
            if effects.refusal == .tooMany { refused += 1 }
        }
        #expect(refused == 40 - (2 * (1 + 4) + 16))
    }

    @Test func `a heartbeat with more slots than hello said is refused`() {
        var bench = Bench()
        let worker = bench.join("a")
        let slots = (0..<5).map {
            SlotProgress(
                slot: UInt16($0), phase: .idle, step: StepNumber(0), slice: SliceNumber(0),
                ticks: 0)
        }
        #expect(bench.ask(worker, .heartbeat(Heartbeat(slots: slots))).refusal == .badValue)
    }
}
