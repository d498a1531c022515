import CoordinatorCore
import Messages
import Testing

/// Design, section 2.6, and section 4, *Bounds*.
@Suite struct GradientNodeTests {
    /// A bench without exchanges whose one worker holds all slices.
    private func bench(slices: Int, credits: Int = 32) -> (Bench, BenchWorker) {
        var bench = Bench(benchSettings(slices: slices, rounds: 0, credits: credits))
        let worker = bench.join("a")
        for _ in 0..<slices { _ = bench.lease(worker) }
        return (bench, worker)
    }

    @Test func `both children kept are added into their parent`() {
        var (bench, a) = bench(slices: 4)
        bench.complete(a, step: 0, slice: 1)
        #expect(bench.complete(a, step: 0, slice: 0).combines == [SliceRange(0, 2)])
        bench.complete(a, step: 0, slice: 3)
        let last = bench.complete(a, step: 0, slice: 2)
        #expect(last.combines == [SliceRange(2, 4), SliceRange(0, 4)])
        #expect(last.commits == [0])
    }

    @Test func `the tree splits at the largest power of two below the width`() {
        var (bench, a) = bench(slices: 5)
        var combines: [SliceRange] = []
        for slice in [4, 0, 1, 2, 3] {
            combines += bench.complete(a, step: 0, slice: slice).combines
        }
        #expect(
            combines == [SliceRange(0, 2), SliceRange(2, 4), SliceRange(0, 4), SliceRange(0, 5)])
    }

    @Test func `an arriving node replaces descendants that are there`() {
        var (bench, a) = bench(slices: 4)
        bench.complete(a, step: 0, slice: 1)
        bench.offer(a, step: 0, 0..<2)
        let effects = bench.deliver(a, step: 0, 0..<2)
        let replaced = effects.compactMap {
            if case .keepNode(_, _, SliceRange(0, 2), let replaced) = $0 { replaced } else { nil }
        }
        #expect(replaced == [[SliceRange(1, 2)]])
    }

    @Test func `a node is dropped if it or an ancestor is done`() {
        var (bench, a) = bench(slices: 4)
        bench.offer(a, step: 0, 0..<1)
        bench.offer(a, step: 0, 0..<2)
        bench.deliver(a, step: 0, 0..<2)
        let late = bench.deliver(a, step: 0, 0..<1)
        #expect(late.stagingEnds == ["drop"])
        #expect(late.replies == [.accepted])
        #expect(bench.offer(a, step: 0, 0..<2).verdicts == [.drop])
        #expect(bench.offer(a, step: 0, 1..<2).verdicts == [.drop])
    }

    @Test func `empty slices are skipped, the node stands for its parent`() {
        var bench = Bench(benchSettings(slices: 4, rounds: 0), prepared: false)
        bench.empty = [1, 2, 3]
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        let effects = bench.complete(a, step: 0, slice: 0)
        #expect(
            effects.contains { effect in
                if case .keepNode(_, _, SliceRange(0, 4), _) = effect { true } else { false }
            })
        #expect(effects.accounts.map(\.leaf.slice.index) == [0])
        #expect(effects.combines.isEmpty)
    }

    @Test(arguments: [0..<3, 1..<3, 2..<5, 3..<3])
    func `a node that the tree does not have is refused`(node: Range<Int>) {
        var (bench, a) = bench(slices: 4)
        #expect(bench.offer(a, step: 0, node).refusal == .badValue)
    }

    @Test func `a push of a result begins with a credit`() {
        var (bench, a) = bench(slices: 2)
        let effects = bench.deliver(a, step: 0, 0..<1)
        #expect(effects.refusal == .outOfOrder)
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `a credit serves once`() {
        var (bench, a) = bench(slices: 2)
        bench.offer(a, step: 0, 0..<1)
        #expect(bench.deliver(a, step: 0, 0..<1).stagingEnds == ["node"])
        #expect(bench.deliver(a, step: 0, 0..<1).refusal == .outOfOrder)
    }

    @Test func `leaves that are not the node's slices are refused`() {
        var (bench, a) = bench(slices: 2)
        bench.offer(a, step: 0, 0..<2)
        let leaf = Leaf(
            slice: SliceNumber(0), digest: leafDigest(0, 0), isFinite: true,
            computeMilliseconds: 1)
        let delivery = DeliverNode(step: StepNumber(0), node: SliceRange(0, 2), leaves: [leaf])
        let effects = bench.ask(a, .deliverNode(delivery), onBulk: true)
        #expect(effects.refusal == .badValue)
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `a node over the size limit is refused and pauses the run at the third time`() {
        var (bench, a) = bench(slices: 1)
        let offer = OfferNode(step: StepNumber(0), node: SliceRange(0, 1), byteCount: 1 << 40)
        for _ in 0..<3 {
            #expect(bench.ask(a, .offerNode(offer)).refusal == .badValue)
            _ = bench.lease(a)
        }
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .paused)
        #expect(status.detail.contains("the limit is"))
    }

    @Test func `credits are bounded, and those who wait get one when one is free`() {
        var (bench, a) = bench(slices: 8, credits: 1)
        let most = bench.machine.status(at: bench.now).creditsMax
        #expect(most == 5)
        var given = 0
        for slice in stride(from: 7, through: 1, by: -1) {
            given += bench.offer(a, step: 0, slice..<slice + 1).verdicts.count
        }
        #expect(given == 1)
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.send])
        #expect(bench.deliver(a, step: 0, 0..<1).verdicts.first == .send)
        #expect(bench.machine.status(at: bench.now).creditsUsed <= most)
    }

    @Test func `nodes that complete a parent come first`() {
        var (bench, a) = bench(slices: 4, credits: 1)
        bench.complete(a, step: 0, slice: 2)
        bench.offer(a, step: 0, 0..<1)
        #expect(bench.offer(a, step: 0, 1..<2).verdicts == [])
        #expect(bench.offer(a, step: 0, 3..<4).verdicts == [.send])
    }

    @Test func `a lost worker's credits are free again`() {
        var (bench, a) = bench(slices: 4)
        bench.offer(a, step: 0, 0..<1)
        #expect(bench.machine.status(at: bench.now).creditsUsed == 1)
        bench.give(.closed(a.bulk))
        #expect(bench.machine.status(at: bench.now).creditsUsed == 0)
    }

    @Test func `a later result that is equal is dropped quietly`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        bench.holdsCommits = true
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        bench.wait(4, beating: [a, b])
        _ = bench.lease(b)
        bench.offer(a, step: 0, 0..<1)
        bench.offer(b, step: 0, 0..<1)
        bench.deliver(a, step: 0, 0..<1)
        #expect(bench.deliver(b, step: 0, 0..<1).stagingEnds == ["drop"])
    }

    @Test func `the result of a slice counts whoever computed it, lease or not`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        let a = bench.join("a", process: 1)
        _ = bench.lease(a)
        bench.give(.closed(a.control))
        let again = bench.join("a", process: 1)
        #expect(bench.offer(again, step: 0, 0..<1).verdicts == [.send])
        #expect(bench.lease(again) == nil)
        #expect(bench.deliver(again, step: 0, 0..<1).commits == [0])
    }

    @Test func `a result whose exchanges this coordinator has not seen is not wanted`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 1))
        let a = bench.join("a")
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.drop])
        #expect(bench.lease(a) == 0)
    }

    @Test func `an offer of a step that is over is dropped`() {
        var (bench, a) = bench(slices: 1)
        bench.complete(a, step: 0, slice: 0)
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.drop])
    }

    @Test func `a node that comes after its step is dropped and frees its credit`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        bench.wait(4, beating: [a, b])
        _ = bench.lease(b)
        bench.offer(b, step: 0, 0..<1)
        bench.complete(a, step: 0, slice: 0)
        #expect(bench.machine.status(at: bench.now).creditsUsed == 1)
        let late = bench.deliver(b, step: 0, 0..<1)
        #expect(late.refusal == .leaseGone)
        #expect(late.stagingEnds == ["drop"])
        #expect(bench.machine.status(at: bench.now).creditsUsed == 0)
    }

    @Test func `a node whose tensors cannot be used counts as an error and frees its credit`() {
        var (bench, a) = bench(slices: 2)
        bench.offer(a, step: 0, 0..<2)
        #expect(bench.machine.status(at: bench.now).creditsUsed == 1)
        let effects = bench.give(
            .unusable(
                a.bulk, bench.nextRequest(), a.incarnation,
                .deliverNode(
                    DeliverNode(step: StepNumber(0), node: SliceRange(0, 2), leaves: [])),
                Refusal(.badValue, "a gradient of 3")))
        #expect(effects.refusal == .badValue)
        #expect(effects.stagingEnds.isEmpty)
        #expect(effects.notes.count { $0.contains("1 of 3 times: a gradient of 3") } == 2)
        #expect(bench.machine.status(at: bench.now).creditsUsed == 0)
        #expect([bench.lease(a), bench.lease(a)] == [0, 1])
    }

    @Test func `an input that cannot be used is refused, and its slice stays leased`() {
        var bench = Bench()
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        let input = Exchange(
            step: StepNumber(0), slice: SliceNumber(0), round: 0, digest: inputDigest(0, 0))
        let effects = bench.give(
            .unusable(
                a.bulk, bench.nextRequest(), a.incarnation, .exchange(input),
                Refusal(.badValue, "z is not finite")))
        #expect(effects.refusal == .badValue)
        let back = ReturnLease(
            step: StepNumber(0), slice: SliceNumber(0), reason: .failed, detail: "z is not finite")
        #expect(bench.ask(a, .returnLease(back)).notes.contains { $0.contains("1 of 3 times") })
    }

    @Test func `a slice that is handed back frees the credit of its node`() {
        var (bench, a) = bench(slices: 2)
        bench.offer(a, step: 0, 0..<1)
        #expect(bench.machine.status(at: bench.now).creditsUsed == 1)
        let back = ReturnLease(
            step: StepNumber(0), slice: SliceNumber(0), reason: .failed, detail: "too large")
        bench.ask(a, .returnLease(back))
        #expect(bench.machine.status(at: bench.now).creditsUsed == 0)
        #expect(bench.lease(a) == 0)
    }
}
