import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, sections 2.1 and 2.7, section 3 *Nothing lost*, and the end of a run.
@Suite struct RunOrderTests {
    @Test func `the first step opens once state and labels are there`() {
        var bench = Bench(prepared: false)
        #expect(bench.wait(1).opened == [])
        let effects = bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        #expect(effects.opened == [0])
    }

    @Test func `only after the commit is the next step announced`() {
        var bench = Bench(benchSettings(rounds: 0))
        bench.holdsCommits = true
        let a = bench.join("a")
        let effects = bench.makeStep(a, 0)
        #expect(effects.commits == [0])
        #expect(effects.opened == [])
        #expect(bench.lease(a) == nil)
        let after = bench.give(.committed(StepNumber(0)))
        #expect(after.opened == [1])
        #expect(after.leases.map(\.task.step.index) == [1])
    }

    @Test func `a commit accounts for every slice once, in order, with attempts and worker`() {
        var bench = Bench(benchSettings(slices: 2, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == 1)
        bench.give(.closed(b.control))
        #expect(bench.lease(a) == 1)
        bench.complete(a, step: 0, slice: 1)
        let accounts = bench.complete(a, step: 0, slice: 0).accounts
        #expect(accounts.map(\.leaf.slice.index) == [0, 1])
        #expect(accounts.map(\.attempts) == [1, 2])
        #expect(accounts.map(\.worker) == ["a", "a"])
        #expect(accounts.map(\.leaf.digest) == [leafDigest(0, 0), leafDigest(0, 1)])
    }

    @Test func `the run ends with a checkpoint, then it is done`() {
        var bench = Bench(benchSettings(steps: 2, rounds: 0))
        let a = bench.join("a")
        #expect(bench.makeStep(a, 0).checkpoints == [])
        bench.holdsCheckpoints = true
        let last = bench.makeStep(a, 1)
        #expect(last.checkpoints == [2])
        #expect(last.over == nil)
        let end = bench.give(.checkpointed(committed: StepNumber(2)))
        #expect(end.over?.reason == .done)
        #expect(end.pushes == [.over(RunOver(reason: .done, detail: "all 2 steps are made"))])
        #expect(bench.machine.status(at: bench.now).state == .done)
    }

    @Test func `whoever waits at the end gets a reply`() {
        var bench = Bench(benchSettings(steps: 1, slices: 1, rounds: 0))
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(a) == nil)
        #expect(bench.complete(a, step: 0, slice: 0).refusals == [.closing])
        #expect(bench.ask(a, .requestLease(RequestLease(slot: 0))).refusal == .closing)
    }

    @Test func `after the end workers that join hear of it and clients get status`() {
        var bench = Bench(benchSettings(steps: 1, rounds: 0))
        let a = bench.join("a")
        bench.makeStep(a, 0)
        let late = bench.sayHello(bench.hello("b"))
        #expect(late.effects.welcome != nil)
        #expect(late.effects.pushes.count == 1)
        let (id, effects) = bench.sayHello(bench.hello("c", role: .viewer))
        let incarnation = effects.welcome?.incarnation ?? Incarnation(rawValue: 0)
        #expect(effects.pushes.isEmpty)
        let status = bench.request(id, .status, as: incarnation)
        #expect(status.contains { if case .replyStatus = $0 { true } else { false } })
    }

    @Test func `checkpoints are written by stepping time`() {
        var bench = Bench(benchSettings(steps: 9, slices: 1, rounds: 0))
        let a = bench.join("a")
        bench.wait(100, beating: [a])  // nobody steps
        _ = bench.lease(a)
        #expect(bench.complete(a, step: 0, slice: 0).checkpoints == [])
        _ = bench.lease(a)
        bench.wait(31, beating: [a])
        let effects = bench.complete(a, step: 1, slice: 0)
        #expect(effects.checkpoints == [2])
        _ = bench.lease(a)
        #expect(bench.complete(a, step: 2, slice: 0).checkpoints == [])
    }

    @Test func `a checkpoint is begun before the next step opens`() {
        var bench = Bench(benchSettings(steps: 9, slices: 1, rounds: 0))
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.wait(31, beating: [a])
        let kinds = bench.complete(a, step: 0, slice: 0).compactMap { effect -> String? in
            switch effect {
            case .checkpoint: "checkpoint"
            case .openStep: "open"
            default: nil
            }
        }
        #expect(kinds == ["checkpoint", "open"])
    }

    @Test func `no two checkpoints are written at a time`() {
        var bench = Bench(benchSettings(steps: 3, slices: 1, rounds: 0))
        bench.holdsCheckpoints = true
        let a = bench.join("a")
        for step in 0..<2 {
            _ = bench.lease(a)
            bench.wait(31, beating: [a])
            let written = bench.complete(a, step: step, slice: 0).checkpoints
            #expect(written == (step == 0 ? [1] : []))
        }
        _ = bench.lease(a)
        #expect(bench.complete(a, step: 2, slice: 0).checkpoints == [])
        #expect(bench.give(.checkpointed(committed: StepNumber(1))).checkpoints == [3])
        #expect(bench.give(.checkpointed(committed: StepNumber(3))).over?.reason == .done)
    }

    @Test func `a restart goes on after the newest checkpoint and makes recorded steps again`() {
        var bench = Bench(benchSettings(steps: 5, rounds: 0), prepared: false)
        let effects = bench.give(.prepared(committed: StepNumber(2), recorded: StepNumber(4)))
        #expect(effects.opened == [2])
        #expect(effects.notes.contains("steps 2 to 3 are made again and compared"))
        let a = bench.join("a")
        #expect(bench.makeStep(a, 2).commits == [2])
    }

    @Test func `a restart of a run that is done is done at once`() {
        var bench = Bench(benchSettings(steps: 2), prepared: false)
        let effects = bench.give(.prepared(committed: StepNumber(2), recorded: StepNumber(2)))
        #expect(effects.opened == [])
        #expect(effects.over?.reason == .done)
    }

    @Test func `a stop acts at the end of the step, then writes a checkpoint`() {
        var bench = Bench(benchSettings(rounds: 0))
        let a = bench.join("a")
        for _ in 0..<4 { _ = bench.lease(a) }
        #expect(bench.give(.stopRequested("told to")).over == nil)
        var effects: [Effect] = []
        for slice in 0..<4 { effects += bench.complete(a, step: 0, slice: slice) }
        #expect(effects.commits == [0])
        #expect(effects.checkpoints == [1])
        #expect(effects.opened == [])
        #expect(effects.over == RunOver(reason: .closing, detail: "told to"))
    }

    @Test func `a stop without workers gives the open step up`() {
        var bench = Bench()
        let effects = bench.give(.stopRequested("told to"))
        #expect(effects.checkpoints == [0])
        #expect(effects.over?.reason == .closing)
    }

    @Test func `a stop whose last worker dies gives the open step up`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        #expect(bench.give(.stopRequested("told to")).over == nil)
        #expect(bench.give(.closed(a.control)).over?.reason == .closing)
    }

    @Test func `a second stop does not wait for the step`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.give(.stopRequested("told to"))
        let effects = bench.give(.stopRequested("told to"))
        #expect(effects.over?.reason == .closing)
        #expect(effects.pushes.first == .abandon(StepNumber(0), SliceNumber(0)))
    }

    @Test func `a stop of a paused run ends it`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        for _ in 0..<3 {
            _ = bench.lease(a)
            let back = ReturnLease(
                step: StepNumber(0), slice: SliceNumber(0), reason: .failed, detail: "bad")
            bench.ask(a, .returnLease(back))
        }
        #expect(bench.give(.stopRequested("told to")).over?.reason == .closing)
    }

    @Test func `a stop while starting ends at once, without a checkpoint`() {
        var bench = Bench(prepared: false)
        let effects = bench.give(.stopRequested("told to"))
        #expect(effects.over?.reason == .closing)
        #expect(effects.checkpoints == [])
        let late = bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        #expect(late.opened == [])
    }

    @Test func `a failure ends the run, tells workers and refuses what waits`() {
        var bench = Bench(benchSettings(slices: 1))
        bench.holdsAnswers = true
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        bench.exchange(a, step: 0, slice: 0)
        let effects = bench.give(.failed("disk full"))
        #expect(effects.over == RunOver(reason: .failed, detail: "disk full"))
        #expect(effects.pushes.count == 2)
        #expect(effects.refusals == [.runFailed, .runFailed])
        #expect(bench.machine.status(at: bench.now).state == .failed)
        #expect(bench.exchange(a, step: 0, slice: 0).refusal == .runFailed)
    }

    @Test func `late outcomes of an ended step have no effect`() {
        var bench = Bench(benchSettings(slices: 1))
        #expect(bench.give(.committed(StepNumber(0))).isEmpty)
        #expect(bench.give(.stepOpened(bench.opened(3))).isEmpty)
        #expect(bench.give(.groupAnswered(StepNumber(4), round: 0, group: 0)).isEmpty)
    }
}
