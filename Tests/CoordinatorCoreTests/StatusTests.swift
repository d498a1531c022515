import CoordinatorCore
import Messages
import Testing

/// Design, section 3, *No hang*: every wait has a name.
@Suite struct StatusTests {
    private func waits(_ bench: Bench) -> [Wait] { bench.machine.status(at: bench.now).waiting }

    @Test func `a run that is being prepared says so`() {
        let bench = Bench(prepared: false)
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .starting)
        #expect(status.waiting.map(\.who) == ["coordinator"])
    }

    @Test func `with no worker the run waits and says so`() {
        var bench = Bench()
        bench.wait(2)
        let wait = waits(bench).first { $0.what == "a worker that is ready" }
        #expect(wait?.who == "nobody")
        #expect((1.9...2.1).contains(wait?.sinceSeconds ?? 0))
    }

    @Test func `a slice is waited for by number, step, worker and time`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.wait(1.5, beating: [a])
        let wait = waits(bench).first { $0.who == "worker a" }
        #expect(wait?.what == "slice 0 of step 0")
        #expect((1.4...1.6).contains(wait?.sinceSeconds ?? 0))
    }

    @Test func `a parked slice's group names the slices that are missing`() {
        var bench = Bench(benchSettings(slices: 3))
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.exchange(a, step: 0, slice: 0)
        #expect(waits(bench).contains { $0.what == "slice 0 of step 0, parked" })
        #expect(waits(bench).contains { $0.who == "slices [1, 2]" })
    }

    @Test func `opening, answering, committing and checkpoints are waits on the coordinator`() {
        var bench = Bench(benchSettings(steps: 1, slices: 1), prepared: false)
        (bench.holdsOpenings, bench.holdsAnswers) = (true, true)
        (bench.holdsCommits, bench.holdsCheckpoints) = (true, true)
        let a = bench.join("a")
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        #expect(waits(bench).contains { $0.what == "opening of step 0" })
        bench.give(.stepOpened(bench.opened(0)))
        _ = bench.lease(a)
        bench.exchange(a, step: 0, slice: 0)
        #expect(waits(bench).contains { $0.what.hasPrefix("answer") && $0.who == "coordinator" })
        bench.give(.groupAnswered(StepNumber(0), round: 0, group: 0))
        bench.offer(a, step: 0, 0..<1)
        bench.deliver(a, step: 0, 0..<1)
        #expect(waits(bench).contains { $0.what == "commit of step 0" })
        bench.give(.committed(StepNumber(0)))
        #expect(waits(bench).contains { $0.what == "checkpoint of 1 steps" })
        bench.give(.checkpointed(committed: StepNumber(1)))
        #expect(waits(bench).isEmpty)
    }

    @Test func `a node without a credit is a wait`() {
        var bench = Bench(benchSettings(slices: 8, rounds: 0, credits: 1))
        let a = bench.join("a")
        for slice in 1..<8 { bench.offer(a, step: 0, slice..<slice + 1) }
        #expect(waits(bench).contains { $0.what.hasPrefix("credit for node") })
    }

    @Test func `the longest wait comes first`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.wait(1, beating: [a])
        _ = bench.lease(a)
        let seconds = waits(bench).map(\.sinceSeconds)
        #expect(seconds == seconds.sorted(by: >))
    }

    @Test func `workers are joining, ready, suspect, lost or left`() {
        var bench = Bench()
        let a = bench.join("a", isReady: false)
        let b = bench.join("b")
        let c = bench.join("c")
        let d = bench.join("d")
        let e = bench.join("e")
        bench.give(.closed(d.control))
        bench.ask(e, .goodbye(Goodbye(detail: "")))
        bench.wait(2, beating: [a, c])
        let states = bench.machine.status(at: bench.now).workers
        #expect(states.map(\.name) == ["a", "b", "c", "d", "e"])
        #expect(states.map(\.state) == [.joining, .suspect, .ready, .lost, .left])
        #expect(b.name == "b")
    }

    @Test func `slices done are counted by name over all incarnations`() {
        var bench = Bench(benchSettings(slices: 2, rounds: 0))
        let first = bench.join("a")
        _ = bench.lease(first)
        bench.complete(first, step: 0, slice: 0)
        bench.give(.closed(first.control))
        let second = bench.join("a")
        _ = bench.lease(second)
        bench.complete(second, step: 0, slice: 1)
        let worker = bench.machine.status(at: bench.now).workers[0]
        #expect(worker.slicesDone == 2)
        #expect(worker.incarnation == "7.2")
    }

    @Test func `the phase says what the slots do`() {
        var bench = Bench()
        let a = bench.join("a")
        let slots = [SlotPhase.forward, .forward, .parked].enumerated().map {
            SlotProgress(
                slot: UInt16($0.offset), phase: $0.element, step: StepNumber(0),
                slice: SliceNumber(0), ticks: 1)
        }
        bench.ask(a, .heartbeat(Heartbeat(slots: slots)))
        #expect(bench.machine.status(at: bench.now).workers[0].phase == "forward 2, parked 1")
    }

    @Test func `status asks for nothing and changes nothing`() {
        var bench = Bench()
        _ = bench.join("a")
        let first = bench.machine.status(at: bench.now)
        #expect(first == bench.machine.status(at: bench.now))
        bench.wait(0.5)
        #expect(first.workers[0].lastSeenSeconds == 0)
    }
}
