import CoordinatorCore
import Messages
import Testing

/// Design, section 3, *No hang*: of every wait it is known on whom, until when, and what then.
@Suite struct WaitTests {
    private func wait(_ bench: Bench, _ kind: WaitKind) -> Wait? {
        bench.machine.status(at: bench.now).waiting.first { $0.kind == kind }
    }

    private func critical(_ bench: Bench) -> Wait? { bench.machine.status(at: bench.now).critical }

    private func beat(
        _ bench: inout Bench, _ worker: BenchWorker, _ phase: SlotPhase, slice: Int, ticks: UInt64
    ) {
        let slot = SlotProgress(
            slot: 0, phase: phase, step: StepNumber(0), slice: SliceNumber(slice), ticks: ticks)
        bench.ask(worker, .heartbeat(Heartbeat(slots: [slot])))
    }

    // MARK: One test a kind

    @Test func `preparation`() {
        let bench = Bench(prepared: false)
        #expect(wait(bench, .preparation)?.who == "coordinator")
        #expect(wait(bench, .preparation)?.next.contains("first step opens") == true)
        #expect(critical(bench)?.kind == .preparation)
    }

    @Test func `opening`() {
        var bench = Bench(prepared: false)
        bench.holdsOpenings = true
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        _ = bench.join("a")
        #expect(wait(bench, .opening)?.what == "opening of step 0")
        #expect(critical(bench)?.kind == .opening)
    }

    @Test func `commit and checkpoint`() {
        var bench = Bench(benchSettings(steps: 1, slices: 1, rounds: 0))
        (bench.holdsCommits, bench.holdsCheckpoints) = (true, true)
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.complete(a, step: 0, slice: 0)
        #expect(critical(bench)?.kind == .commit)
        #expect(wait(bench, .commit)?.next.contains("record is on disk") == true)
        bench.give(.committed(StepNumber(0)))
        #expect(wait(bench, .checkpoint)?.who == "coordinator")
        #expect(critical(bench)?.kind == .checkpoint)
        bench.give(.checkpointed(committed: StepNumber(1)))
        #expect(critical(bench) == nil)
    }

    @Test func `a commit that finds no room for copies names the checkpoint that makes it`() {
        var settings = benchSettings(steps: 4, slices: 1, rounds: 0)
        settings.checkpointEvery = .zero
        var bench = Bench(settings)
        (bench.holdsCommits, bench.holdsCheckpoints) = (true, true)
        let a = bench.join("a")
        for step in 0..<2 {
            _ = bench.lease(a)
            bench.complete(a, step: step, slice: 0)
            if step == 0 { bench.give(.committed(StepNumber(0))) }
        }
        #expect(critical(bench)?.kind == .commit)
        bench.give(.copiesFull(true))
        bench.wait(2, beating: [a])
        #expect(critical(bench)?.kind == .copies)
        #expect(critical(bench)?.what.contains("the checkpoint of 1 steps has not written") == true)
        #expect(critical(bench)?.what.contains("commit of step 1") == true)
        #expect((1.9...2.1).contains(critical(bench)?.sinceSeconds ?? 0))
        #expect(critical(bench)?.next.contains("checkpoint.copyBudget") == true)
        bench.give(.copiesFull(false))
        #expect(critical(bench)?.kind == .commit)
        // What comes late, after the end of the commit, is of no step.
        bench.give(.committed(StepNumber(1)))
        bench.give(.copiesFull(true))
        #expect(wait(bench, .copies) == nil)
    }

    @Test func `no worker, with who was there and why it is gone`() {
        var bench = Bench()
        #expect(critical(bench)?.kind == .noWorker)
        let a = bench.join("a")
        bench.give(.closed(a.control))
        bench.wait(2)
        #expect(critical(bench)?.what.contains("worker a is lost (its connection closed)") == true)
        #expect(critical(bench)?.who == "nobody")
        #expect((1.9...2.1).contains(critical(bench)?.sinceSeconds ?? 0))
    }

    @Test func `a worker that joins has the hang term to say something`() {
        var bench = Bench()
        _ = bench.join("a", isReady: false)
        bench.wait(10)
        #expect(wait(bench, .joining)?.who == "worker a")
        #expect((139...141).contains(wait(bench, .joining)?.deadlineSeconds ?? 0))
    }

    @Test func `a slice that nobody has`() {
        var bench = Bench()
        _ = bench.join("a")
        #expect(wait(bench, .lease)?.who == "an idle worker")
        #expect(critical(bench)?.kind == .lease)
    }

    @Test func `a slice that moves is given away if it stops for the lease term`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.wait(1)
        beat(&bench, a, .forward, slice: 0, ticks: 7)
        bench.wait(0.5)
        #expect(wait(bench, .slice)?.what == "slice 0 of step 0, forward")
        #expect((2.4...2.6).contains(wait(bench, .slice)?.deadlineSeconds ?? 0))
        #expect(wait(bench, .slice)?.next.contains("an idle worker gets it") == true)
    }

    @Test func `a slice of a silent worker is free when its lease term ends`() {
        var bench = Bench()
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        bench.wait(2, beating: [b])
        #expect(critical(bench)?.who == "worker a")
        #expect(critical(bench)?.what == "slice 0 of step 0, silent for 2.0 s")
        #expect((0.9...1.1).contains(critical(bench)?.deadlineSeconds ?? 0))
        #expect(critical(bench)?.next.contains("the worker is lost then") == true)
    }

    @Test func `a slice that stands still though its worker lives names what hangs`() {
        var bench = Bench()
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        for _ in 0..<10 {
            beat(&bench, a, .forward, slice: 0, ticks: 7)
            beat(&bench, b, .backward, slice: 1, ticks: UInt64(bench.now.nanoseconds))
            bench.wait(0.5)
        }
        #expect(critical(bench)?.what.hasPrefix("slice 0 of step 0, forward, stands still") == true)
        #expect((140...150).contains(critical(bench)?.deadlineSeconds ?? 0))
    }

    @Test func `a version on its way`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.ask(
            a, .fetchVersion(FetchVersion(step: StepNumber(0), digest: versionDigest(0))))
        bench.wait(1, beating: [a])
        #expect(wait(bench, .version)?.who == "worker a")
        #expect((118...120).contains(wait(bench, .version)?.deadlineSeconds ?? 0))
        beat(&bench, a, .forward, slice: 0, ticks: 1)
        #expect(wait(bench, .version) == nil)
    }

    @Test func `an exchange, and the answer that it waits for`() {
        var bench = Bench(benchSettings(slices: 2))
        bench.holdsAnswers = true
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.exchange(a, step: 0, slice: 0)
        #expect(wait(bench, .exchange)?.next.contains("once its group is answered") == true)
        #expect(wait(bench, .answer)?.who == "slices [1]")
        _ = bench.lease(a)
        #expect(critical(bench)?.what == "slice 1 of step 0")
        bench.exchange(a, step: 0, slice: 1)
        #expect(wait(bench, .answer)?.who == "coordinator")
        #expect(critical(bench)?.kind == .answer)
    }

    @Test func `a credit, and a node on its way`() {
        var bench = Bench(benchSettings(slices: 8, rounds: 0, credits: 1))
        let a = bench.join("a")
        for _ in 0..<8 { _ = bench.lease(a) }
        for slice in 1..<8 { bench.offer(a, step: 0, slice..<slice + 1) }
        let waits = bench.machine.status(at: bench.now).waiting
        let credit = waits.first { $0.kind == .credit && $0.who == "coordinator" }
        #expect(credit?.next.contains("1 of 5 nodes") == true)
        #expect(wait(bench, .credit)?.next.contains("once it has a credit") == true)
        #expect(wait(bench, .delivery)?.who == "worker a")
        #expect((wait(bench, .delivery)?.deadlineSeconds ?? 0) >= 2.9)
    }

    @Test func `a pause, for the operator to end`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        let a = bench.join("a")
        for _ in 0..<3 {
            _ = bench.lease(a)
            let back = ReturnLease(
                step: StepNumber(0), slice: SliceNumber(0), reason: .failed, detail: "no file")
            bench.ask(a, .returnLease(back))
        }
        bench.wait(1, beating: [a])
        #expect(critical(bench)?.kind == .paused)
        #expect(critical(bench)?.who == "operator")
        #expect((0.9...1.1).contains(critical(bench)?.sinceSeconds ?? 0))
        #expect(wait(bench, .lease)?.next.contains("nothing is leased") == true)
    }

    @Test func `a stop that waits for the end of the step`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.give(.stopRequested("the operator stopped it"))
        #expect(wait(bench, .stop)?.next.contains("gives the step up") == true)
    }

    @Test func `a dispute, until another worker takes it on, and a quarantine`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.offer(a, step: 0, 0..<1)
        let leaf = Leaf(
            slice: SliceNumber(0), digest: leafDigest(0, 0), isFinite: false,
            computeMilliseconds: 1)
        bench.ask(
            a,
            .deliverNode(
                DeliverNode(step: StepNumber(0), node: SliceRange(0, 1), leaves: [leaf])),
            onBulk: true)
        bench.wait(1, beating: [a])
        #expect(critical(bench)?.kind == .dispute)
        #expect(critical(bench)?.who == "a worker other than a")
        #expect((28.9...29.2).contains(critical(bench)?.deadlineSeconds ?? 0))
        let b = bench.join("b")
        #expect(bench.lease(b) == 0)
        bench.give(.tick)
        #expect(critical(bench)?.who == "worker b")
        bench.offer(b, step: 0, 0..<1)
        bench.deliver(b, step: 0, 0..<1, digest: leafDigest(5, 5))
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        bench.offer(c, step: 0, 0..<1)
        bench.deliver(c, step: 0, 0..<1, digest: leafDigest(5, 5))
        #expect(wait(bench, .quarantine)?.who == "worker a")
    }

    // MARK: What holds the run up

    @Test func `a slow worker is named with its pace`() {
        var bench = Bench(benchSettings(slices: 4, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        for (worker, milliseconds) in [(a, UInt32(200)), (b, 2000)] {
            let slice = bench.lease(worker) ?? -1
            bench.offer(worker, step: 0, slice..<slice + 1)
            let leaf = Leaf(
                slice: SliceNumber(slice), digest: leafDigest(0, slice), isFinite: true,
                computeMilliseconds: milliseconds)
            bench.ask(
                worker,
                .deliverNode(
                    DeliverNode(
                        step: StepNumber(0), node: SliceRange(slice, slice + 1), leaves: [leaf])),
                onBulk: true)
        }
        let slow = bench.lease(b) ?? -1
        bench.wait(1, beating: [a, b])
        _ = bench.lease(a)
        let wait = critical(bench)
        #expect(wait?.who == "worker b")
        #expect(wait?.what.hasPrefix("slice \(slow) of step 0") == true)
        #expect(wait?.what.hasSuffix("takes this worker 2.0 s, the quickest 0.2 s") == true)
    }

    @Test func `every kind of wait has a test here`() {
        // What stands above, by name; a new kind fails to compile here before it lacks a test.
        for kind in WaitKind.allCases {
            switch kind {
            case .preparation, .opening, .commit, .checkpoint, .copies, .noWorker, .joining, .lease,
                .shard, .slice, .version, .exchange, .answer, .credit, .delivery, .dispute,
                .quarantine, .paused, .stop:
                continue
            }
        }
    }
}
