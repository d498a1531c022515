import Identity
import Messages
import Testing

@testable import WorkerCore

@Suite struct WorkerSessionTests {
    private let start = ContinuousClock.now

    private func joined(slots: Int = 1) -> WorkerSession {
        var session = WorkerSession(slots: slots, at: start)
        #expect(session.handle(.begin, at: start) == [.join(life: 1)])
        #expect(session.handle(.welcomed(life: 1, FakeRun.welcome), at: start) == [.heartbeat])
        let asks = (0..<slots).map { WorkerSession.Action.askLease(slot: $0) }
        #expect(session.handle(.ready(life: 1), at: start) == asks)
        return session
    }

    private func key(_ slice: Int, life: Int = 1) -> LeaseKey {
        LeaseKey(life: life, step: StepNumber(5), slice: SliceNumber(slice))
    }

    private func waits(_ actions: [WorkerSession.Action]) -> [Duration] {
        actions.compactMap { if case .wait(let pause) = $0 { pause } else { nil } }
    }

    @Test func `the first join is tried for a minute with growing pauses`() {
        var session = WorkerSession(slots: 1, at: start)
        var now = start
        var pauses: [Duration] = []
        for attempt in 1... {
            #expect(session.handle(.begin, at: now) == [.join(life: attempt)])
            let actions = session.handle(
                .joinFailed(life: attempt, .unreachable("nobody")), at: now)
            guard let pause = waits(actions).first else {
                #expect(actions.last == .end(.unreachable("nobody")))
                break
            }
            pauses.append(pause)
            now += pause
        }
        #expect(pauses.prefix(6).map(\.wholeMilliseconds) == [50, 100, 200, 400, 800, 1000])
        #expect(pauses.allSatisfy { $0 <= .seconds(1) })
        #expect(now - start >= .seconds(60))
        #expect(now - start <= .seconds(61))
    }

    @Test func `a coordinator that is not trusted ends a new worker, and none that was in`() {
        var new = WorkerSession(slots: 1, at: start)
        #expect(new.handle(.begin, at: start) == [.join(life: 1)])
        let end = new.handle(.joinFailed(life: 1, .distrusted("a stranger")), at: start)
        #expect(end.last == .end(.failed("a stranger")))
        var known = joined()
        _ = known.handle(.lost(life: 1, "cut"), at: start)
        #expect(known.handle(.begin, at: start) == [.join(life: 2)])
        let actions = known.handle(.joinFailed(life: 2, .distrusted("a stranger")), at: start)
        #expect(waits(actions).count == 1)
    }

    @Test func `a worker that was welcomed rejoins for ever`() {
        var session = joined()
        var now = start + .seconds(1)
        var actions = session.handle(.lost(life: 1, "cut"), at: now)
        for life in 2..<1000 {
            guard let pause = waits(actions).first else {
                Issue.record("gave up in life \(life)")
                return
            }
            now += pause
            #expect(session.handle(.begin, at: now) == [.join(life: life)])
            actions = session.handle(.joinFailed(life: life, .unreachable("nobody")), at: now)
        }
    }

    @Test func `a slot asks for work when its slice parks and not before`() {
        var session = joined()
        let lease = FakeRun.lease(0)
        #expect(
            session.handle(.leased(life: 1, slot: 0, lease), at: start)
                == [.run(key(0), lease, slot: 0)])
        #expect(session.handle(.parked(key(0)), at: start) == [.askLease(slot: 0)])
        // It has asked already: coming and going changes nothing.
        #expect(session.handle(.resumed(key(0)), at: start) == [])
        #expect(session.handle(.parked(key(0)), at: start) == [])
        #expect(session.handle(.ended(key(0), .result), at: start) == [])
    }

    @Test func `events of an earlier life have no effect`() {
        var session = joined()
        _ = session.handle(.leased(life: 1, slot: 0, FakeRun.lease(0)), at: start)
        let actions = session.handle(.lost(life: 1, "cut"), at: start)
        #expect(actions.first == .stopSlice(key(0), .lost))
        #expect(actions.contains(.dropLife))
        _ = session.handle(.begin, at: start)
        _ = session.handle(.welcomed(life: 2, FakeRun.welcome), at: start)
        _ = session.handle(.ready(life: 2), at: start)
        #expect(session.handle(.lost(life: 1, "cut"), at: start) == [])
        #expect(session.handle(.ended(key(0), .failed("late")), at: start) == [])
        #expect(session.handle(.leased(life: 1, slot: 0, FakeRun.lease(1)), at: start) == [])
        let push = Push.over(RunOver(reason: .done, detail: ""))
        #expect(session.handle(.pushed(life: 1, push), at: start) == [])
    }

    @Test func `silence ends a life, a gap in our own clock does not`() {
        var session = joined()
        var now = start
        for _ in 0..<20 {  // one second of silence
            now += .milliseconds(50)
            #expect(session.handle(.tick, at: now) == [.heartbeat])
        }
        now += .seconds(30)  // the process was stopped
        #expect(session.handle(.tick, at: now) == [.heartbeat])
        var ended: [WorkerSession.Action] = []
        while ended.isEmpty {
            now += .milliseconds(50)
            let actions = session.handle(.tick, at: now)
            if actions != [.heartbeat] { ended = actions }
        }
        #expect(ended.contains(.dropLife))
        #expect(now - start > .seconds(32))
        #expect(now - start < .seconds(34))
    }

    @Test func `a drain waits for running slices, nodes and farewells`() {
        var session = joined(slots: 2)
        _ = session.handle(.leased(life: 1, slot: 0, FakeRun.lease(0)), at: start)
        _ = session.handle(.leased(life: 1, slot: 1, FakeRun.lease(2)), at: start)
        _ = session.handle(.parked(key(2)), at: start)
        let stops = session.handle(.stop, at: start)
        #expect(Set(stops) == [.stopSlice(key(0), .drain), .stopSlice(key(2), .drain)])
        #expect(
            session.handle(.ended(key(2), .stopped(.drain)), at: start)
                == [.handBack(key(2), .drain, "the worker drains")])
        // The slot had asked: what comes is handed back too.
        let late = session.handle(.leased(life: 1, slot: 1, FakeRun.lease(3)), at: start)
        #expect(late == [.handBack(key(3), .drain, "the worker drains")])
        #expect(session.handle(.errandsBegun(life: 1, 1), at: start) == [])
        #expect(session.handle(.ended(key(0), .result), at: start) == [])
        #expect(session.handle(.errandDone(life: 1), at: start) == [])
        #expect(session.handle(.errandDone(life: 1), at: start) == [])
        #expect(session.handle(.errandDone(life: 1), at: start) == [.sayGoodbye])
        #expect(session.handle(.goodbyeSaid, at: start) == [.dropLife, .end(.drained)])
    }

    @Test func `a name in use may pass for ten seconds`() {
        var session = WorkerSession(slots: 1, at: start)
        let refusal = Refusal(.nameInUse, "w")
        _ = session.handle(.begin, at: start)
        let first = session.handle(.joinFailed(life: 1, .refused(refusal)), at: start)
        #expect(waits(first) == [.milliseconds(50)])
        let later = start + .seconds(11)
        _ = session.handle(.begin, at: later)
        let second = session.handle(.joinFailed(life: 2, .refused(refusal)), at: later)
        #expect(second.last == .end(.refused(refusal)))
    }

    @Test(arguments: ErrorCode.allCases)
    func `a refused join ends or is tried again as the code says`(code: ErrorCode) {
        var session = WorkerSession(slots: 1, at: start)
        _ = session.handle(.begin, at: start)
        let actions = session.handle(
            .joinFailed(life: 1, .refused(Refusal(code, ""))), at: start)
        let passing: [ErrorCode] = [
            .sayHello, .unknownTicket, .tooMany, .closing, .outOfOrder, .nameInUse,
        ]
        #expect(waits(actions).isEmpty == !passing.contains(code))
    }

    @Test func `a drain does not wait for ever for nodes on their way`() {
        var session = joined()
        _ = session.handle(.errandsBegun(life: 1, 1), at: start)
        #expect(session.handle(.stop, at: start) == [])
        var now = start
        var actions: [WorkerSession.Action] = []
        while !actions.contains(.sayGoodbye), now - start < .seconds(60) {
            now += .milliseconds(250)
            _ = session.handle(.heard(life: 1), at: now)
            actions += session.handle(.tick, at: now)
        }
        #expect(actions.count { $0 == .sayGoodbye } == 1)
        #expect(now - start > .seconds(10))
        #expect(now - start < .seconds(11))
    }
}
