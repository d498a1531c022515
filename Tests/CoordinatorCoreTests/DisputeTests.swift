import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 2, *Faults that are not deaths*: results that are not finite, bits that differ.
@Suite struct DisputeTests {
    /// Digest of bits that nobody should have computed.
    private let wrong = leafDigest(9, 9)
    private let wrongToo = leafDigest(8, 8)

    /// A bench without exchanges.
    private func bench(slices: Int, _ names: [String], steps: Int = 3) -> (Bench, [BenchWorker]) {
        var bench = Bench(benchSettings(steps: steps, slices: slices, rounds: 0))
        let workers = names.map { bench.join($0) }
        return (bench, workers)
    }

    /// A worker computes a slice that it is leased, or offers what it has, and delivers it.
    private func deliver(
        _ bench: inout Bench, _ worker: BenchWorker, _ slice: Int, step: Int = 0,
        digest: Digest? = nil, isFinite: Bool = true
    ) -> [Effect] {
        let offered = bench.offer(worker, step: step, slice..<slice + 1)
        guard offered.verdicts == [.send] else { return offered }
        let leaf = Leaf(
            slice: SliceNumber(slice), digest: digest ?? leafDigest(step, slice),
            isFinite: isFinite, computeMilliseconds: 1)
        return bench.ask(
            worker,
            .deliverNode(
                DeliverNode(
                    step: StepNumber(step), node: SliceRange(slice, slice + 1), leaves: [leaf])),
            onBulk: true)
    }

    private func names(_ bench: Bench, _ state: WorkerState) -> [String] {
        bench.machine.status(at: bench.now).workers.filter { $0.state == state }.map(\.name)
    }

    // MARK: Not finite

    @Test func `a result that is not finite is computed again by another worker`() {
        var (bench, w) = bench(slices: 1, ["a", "b"])
        #expect(bench.lease(w[0]) == 0)
        let first = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        #expect(first.refusal == .resultDiffers)
        #expect(first.stagingEnds == ["drop"])
        #expect(first.notes.contains { $0.contains("not finite on worker a") })
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.lease(w[1]) == 0)
        let second = deliver(&bench, w[1], 0, digest: wrong, isFinite: false)
        #expect(second.notes.contains { $0.contains("a and b alike: it is genuine") })
        #expect(second.commits == [0])
        #expect(second.accounts.map(\.leaf.isFinite) == [false])
        #expect(names(bench, .quarantined) == [])
    }

    @Test func `a worker that alone came to numbers that are not finite is faulty`() {
        var (bench, w) = bench(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        _ = bench.lease(w[1])
        #expect(deliver(&bench, w[1], 0).commits == [])
        #expect(bench.lease(w[1]) == nil)
        #expect(bench.lease(w[2]) == 0)
        let third = deliver(&bench, w[2], 0)
        #expect(third.commits == [0])
        #expect(third.accounts.map(\.worker) == ["c"])
        #expect(third.notes.contains { $0.contains("silent corruption found: worker a") })
        #expect(names(bench, .quarantined) == ["a"])
    }

    @Test func `a worker that alone came to finite numbers is faulty`() {
        var (bench, w) = bench(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        _ = bench.lease(w[1])
        _ = deliver(&bench, w[1], 0)
        _ = bench.lease(w[2])
        #expect(deliver(&bench, w[2], 0, digest: wrong, isFinite: false).commits == [0])
        #expect(names(bench, .quarantined) == ["b"])
    }

    @Test func `the other slices of a node with a disputed one are computed again, by anyone`() {
        var (bench, w) = bench(slices: 2, ["a", "b"])
        _ = bench.lease(w[0])
        _ = bench.lease(w[0])
        bench.offer(w[0], step: 0, 0..<2)
        let leaves = [
            Leaf(
                slice: SliceNumber(0), digest: leafDigest(0, 0), isFinite: true,
                computeMilliseconds: 1),
            Leaf(
                slice: SliceNumber(1), digest: wrong, isFinite: false, computeMilliseconds: 1),
        ]
        let node = DeliverNode(step: StepNumber(0), node: SliceRange(0, 2), leaves: leaves)
        #expect(bench.ask(w[0], .deliverNode(node), onBulk: true).stagingEnds == ["drop"])
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.lease(w[1]) == 1)
    }

    @Test func `a worker that takes it and brings nothing holds a dispute up for two terms`() {
        var (bench, w) = bench(slices: 1, ["a", "b"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        #expect(bench.lease(w[0]) == nil)
        var seconds = 0
        var isGiven = false
        while !isGiven, seconds < 100 {
            #expect(bench.lease(w[1]) == 0)
            let effects = bench.wait(7, beating: w) + bench.give(.closed(w[1].control))
            seconds += 7
            isGiven = !effects.leases.isEmpty
            w[1] = bench.join("b", process: UInt32(seconds))
        }
        #expect(isGiven)
        #expect((57...70).contains(seconds))
    }

    @Test func `a lone worker computes it again after the term, and then it counts`() {
        var (bench, w) = bench(slices: 1, ["a"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        #expect(bench.lease(w[0]) == nil)
        let late = bench.wait(31, beating: [w[0]])
        #expect(late.notes.contains { $0.contains("no other worker took it within") })
        #expect(late.leases.count == 1)
        let again = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        #expect(again.commits == [0])
        #expect(again.notes.contains { $0.contains("counts on its word alone") })
    }

    @Test func `a lone worker that contradicts itself is faulty`() {
        var (bench, w) = bench(slices: 1, ["a"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        _ = bench.lease(w[0])
        bench.wait(31, beating: [w[0]])
        let again = deliver(&bench, w[0], 0)
        #expect(again.commits == [])
        #expect(names(bench, .quarantined) == ["a"])
        let b = bench.join("b")
        #expect(bench.lease(b) == 0)
        #expect(deliver(&bench, b, 0).commits == [0])
    }

    // MARK: Bits that differ

    /// Worker a has delivered slices 0 and 1 as one node, b then slice 1 as overdue: they differ.
    private func disagreement(
        third: Bool = true, then more: Int = 1
    ) -> (Bench, [BenchWorker], [Effect]) {
        var (bench, w) = bench(slices: 2 + more, ["a", "b"] + (third ? ["c"] : []))
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[0]) == 1)
        for slice in 2..<2 + more { #expect(bench.lease(w[1]) == slice) }
        bench.wait(4, beating: w)
        #expect(bench.lease(w[1]) == 0)
        bench.offer(w[0], step: 0, 0..<2)
        bench.offer(w[1], step: 0, 0..<1)
        #expect(bench.deliver(w[0], step: 0, 0..<2).stagingEnds == ["node"])
        let effects = bench.deliver(w[1], step: 0, 0..<1, digest: wrong)
        return (bench, w, effects)
    }

    @Test func `a later result that differs takes the node of the first out again`() {
        var (bench, w, effects) = disagreement()
        #expect(effects.refusal == .resultDiffers)
        #expect(effects.contains(.dropNode(StepNumber(0), SliceRange(0, 2))))
        #expect(effects.notes.contains { $0.contains("differs between workers a and b") })
        #expect(bench.machine.status(at: bench.now).slicesDone == 0)
        #expect(bench.lease(w[0]) == 1)
        #expect(bench.lease(w[0]) == 2)
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.lease(w[2]) == 0)
    }

    @Test func `the third run names the second worker`() {
        var (bench, w, _) = disagreement()
        #expect(bench.lease(w[2]) == 0)
        let third = deliver(&bench, w[2], 0)
        #expect(third.stagingEnds == ["node"])
        #expect(names(bench, .quarantined) == ["b"])
        #expect(third.opened == [])
        #expect(bench.lease(w[2]) == 1)
        #expect(bench.lease(w[2]) == 2)
        _ = deliver(&bench, w[2], 1)
        #expect(deliver(&bench, w[2], 2).accounts.map(\.worker) == ["c", "c", "c"])
    }

    @Test func `the third run names the first worker`() {
        var (bench, w, _) = disagreement()
        #expect(bench.lease(w[2]) == 0)
        let third = deliver(&bench, w[2], 0, digest: wrong)
        #expect(third.stagingEnds == ["node"])
        #expect(names(bench, .quarantined) == ["a"])
        #expect(third.notes.contains { $0.contains("silent corruption found: worker a") })
        #expect(third.opened == [])
    }

    @Test func `a step with something else of a faulty worker in it is made again`() {
        let (again, all) = contested()
        #expect(all.opened == [0])
        #expect(all.closed.count >= 4)
        #expect(again.machine.status(at: again.now).slicesDone == 0)
    }

    /// Worker a has slice 2 in, and is found faulty by slice 0.
    private func contested() -> (Bench, [Effect]) {
        var (bench, w) = bench(slices: 3, ["a", "b", "c"])
        for slice in 0..<3 { #expect(bench.lease(w[0]) == slice) }
        _ = deliver(&bench, w[0], 2)
        bench.wait(4, beating: w)
        #expect(bench.lease(w[1]) == 0)
        bench.offer(w[1], step: 0, 0..<1)
        _ = deliver(&bench, w[0], 0, digest: wrong)
        #expect(bench.deliver(w[1], step: 0, 0..<1).refusal == .resultDiffers)
        #expect(bench.lease(w[2]) == 0)
        let effects = deliver(&bench, w[2], 0)
        return (bench, effects)
    }

    @Test func `a step that is made again ends without the faulty worker`() {
        var (bench, _) = contested()
        #expect(bench.sayHello(bench.hello("a")).effects.refusal == .quarantined)
        let b = bench.join("b")
        let effects = bench.makeStep(b, 0)
        #expect(effects.commits == [0])
        #expect(Set(effects.accounts.map(\.worker)) == ["b"])
    }

    @Test func `two workers at odds without a third compute again, then the run pauses`() {
        var (bench, w, _) = disagreement(third: false)
        #expect(bench.lease(w[0]) == 1)
        #expect(bench.lease(w[0]) == 2)
        #expect(bench.lease(w[0]) == nil)
        bench.wait(31, beating: w)
        #expect(bench.machine.status(at: bench.now).state == .running)
        #expect(deliver(&bench, w[0], 0).refusal == .resultDiffers)
        #expect(bench.lease(w[1]) == 0)
        #expect(deliver(&bench, w[1], 0, digest: wrong).refusal == .resultDiffers)
        bench.wait(0.1, beating: w)
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .paused)
        #expect(status.detail.contains("differs between workers a and b"))
    }

    @Test func `of two workers at odds the one that contradicts itself is faulty`() {
        var (bench, w, _) = disagreement(third: false)
        for _ in 0..<3 { _ = bench.lease(w[0]) }
        bench.wait(31, beating: w)
        #expect(deliver(&bench, w[0], 0).refusal == .resultDiffers)
        #expect(bench.lease(w[1]) == 0)
        _ = deliver(&bench, w[1], 0, digest: wrongToo)
        #expect(names(bench, .quarantined) == ["b"])
        #expect(bench.machine.status(at: bench.now).state == .running)
        #expect(bench.lease(w[0]) == 0)
        #expect(deliver(&bench, w[0], 0).stagingEnds == ["node"])
    }

    @Test func `a third worker that comes late still decides`() {
        var (bench, w, _) = disagreement(third: false)
        bench.wait(20, beating: w)
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        #expect(deliver(&bench, c, 0).stagingEnds == ["node"])
        #expect(names(bench, .quarantined) == ["b"])
    }

    @Test func `who has said what it computed is not asked again, nor is its late node taken`() {
        var (bench, w, _) = disagreement()
        #expect(bench.offer(w[0], step: 0, 0..<2).verdicts == [.drop])
        #expect(bench.offer(w[1], step: 0, 0..<1).verdicts == [.drop])
        bench.give(.closed(w[0].control))
        let again = bench.join("a")
        #expect(bench.lease(again) == 1)
        #expect(bench.lease(again) == 2)
        #expect(bench.lease(again) == nil)
    }

    @Test func `what two workers have settled is held against a third at once`() {
        var (bench, w) = bench(slices: 2, ["a", "b", "c"])
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[2]) == 1)
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        #expect(bench.lease(w[1]) == 0)
        bench.wait(4, beating: w)
        #expect(bench.lease(w[2]) == 0)
        bench.offer(w[2], step: 0, 0..<1)
        #expect(
            deliver(&bench, w[1], 0, digest: wrong, isFinite: false).stagingEnds == ["node"])
        let late = bench.deliver(w[2], step: 0, 0..<1)
        #expect(late.refusal == .resultDiffers)
        #expect(names(bench, .quarantined) == ["c"])
        #expect(bench.machine.status(at: bench.now).slicesDone == 1)
    }

    // MARK: Inputs

    /// Worker a's input of slice 0 is kept, b gets the slice after a's death and differs.
    private func inputs(by slices: Int = 2) -> (Bench, BenchWorker, [Effect]) {
        var bench = Bench(benchSettings(slices: slices))
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        bench.exchange(a, step: 0, slice: 0)
        bench.give(.closed(a.control))
        let b = bench.join("b")
        #expect(bench.lease(b) == 0)
        let effects = bench.exchange(b, step: 0, slice: 0, digest: wrong)
        return (bench, b, effects)
    }

    @Test func `an input that differs is decided by a third worker's, for the first`() {
        var (bench, b, effects) = inputs()
        #expect(effects.refusal == .resultDiffers)
        #expect(
            effects.notes.contains { $0.contains("round round0") && $0.contains("a and b") })
        #expect(bench.lease(b) == 1)
        #expect(bench.lease(b) == nil)
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        bench.exchange(c, step: 0, slice: 0)
        #expect(names(bench, .quarantined) == ["b"])
        #expect(bench.lease(c) == 1)
        let effect = bench.exchange(c, step: 0, slice: 1)
        #expect(effect.answers.map(\.slice.index) == [0, 1])
    }

    @Test func `an input that differs is decided by a third worker's, against the first`() {
        var (bench, _, _) = inputs()
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        let third = bench.exchange(c, step: 0, slice: 0, digest: wrong)
        #expect(third.stagingEnds == ["drop"])
        #expect(third.opened == [0])
        #expect(bench.sayHello(bench.hello("a")).effects.refusal == .quarantined)
        let d = bench.join("d")
        #expect(bench.makeStep(d, 0).commits == [0])
    }

    @Test func `a step does not commit while an input is disputed`() {
        var bench = Bench(benchSettings(slices: 1, groups: [0..<1]))
        bench.holdsAnswers = true
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        bench.wait(4, beating: [a, b])
        #expect(bench.lease(b) == 0)
        bench.exchange(a, step: 0, slice: 0)
        let effects = bench.exchange(b, step: 0, slice: 0, digest: wrong)
        // Both hold the slice no more: a was told so, b refused.
        #expect(effects.refusals == [.leaseGone, .resultDiffers])
        #expect(effects.pushes == [.abandon(StepNumber(0), SliceNumber(0))])
        bench.give(.groupAnswered(StepNumber(0), round: 0, group: 0))
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.drop])
    }

    // MARK: Quarantine

    @Test func `a faulty worker is refused in this epoch, and status says why`() {
        var (bench, w) = bench(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = deliver(&bench, w[0], 0, digest: wrong, isFinite: false)
        _ = bench.lease(w[1])
        _ = deliver(&bench, w[1], 0)
        _ = bench.lease(w[2])
        _ = deliver(&bench, w[2], 0)
        #expect(bench.sayHello(bench.hello("a")).effects.refusal == .quarantined)
        let status = bench.machine.status(at: bench.now)
        #expect(status.quarantine.map(\.worker) == ["a"])
        #expect(status.quarantine.first?.reason.contains("slice 0 of step 0") == true)
    }
}
