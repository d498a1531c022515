import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 2, *Faults that are not deaths*: bits that differ.
@Suite struct DisagreementTests {
    /// Worker a has delivered slices 0 and 1 as one node, b then slice 1 as overdue: they differ.
    private func disagreement(
        third: Bool = true, then more: Int = 1
    ) -> (Bench, [BenchWorker], [Effect]) {
        var (bench, w) = Bench.withoutExchanges(
            slices: 2 + more, ["a", "b"] + (third ? ["c"] : []))
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[0]) == 1)
        for slice in 2..<2 + more { #expect(bench.lease(w[1]) == slice) }
        bench.wait(4, beating: w)
        #expect(bench.lease(w[1]) == 0)
        bench.offer(w[0], step: 0, 0..<2)
        bench.offer(w[1], step: 0, 0..<1)
        #expect(bench.deliver(w[0], step: 0, 0..<2).stagingEnds == ["node"])
        let effects = bench.deliver(w[1], step: 0, 0..<1, digest: wrongDigest)
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
        let third = bench.handIn(w[2], 0)
        #expect(third.stagingEnds == ["node"])
        #expect(bench.names(.quarantined) == ["b"])
        #expect(third.opened == [])
        #expect(bench.lease(w[2]) == 1)
        #expect(bench.lease(w[2]) == 2)
        _ = bench.handIn(w[2], 1)
        #expect(bench.handIn(w[2], 2).accounts.map(\.worker) == ["c", "c", "c"])
    }

    @Test func `the third run names the first worker`() {
        var (bench, w, _) = disagreement()
        #expect(bench.lease(w[2]) == 0)
        let third = bench.handIn(w[2], 0, digest: wrongDigest)
        #expect(third.stagingEnds == ["node"])
        #expect(bench.names(.quarantined) == ["a"])
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
        var (bench, w) = Bench.withoutExchanges(slices: 3, ["a", "b", "c"])
        for slice in 0..<3 { #expect(bench.lease(w[0]) == slice) }
        _ = bench.handIn(w[0], 2)
        bench.wait(4, beating: w)
        #expect(bench.lease(w[1]) == 0)
        bench.offer(w[1], step: 0, 0..<1)
        _ = bench.handIn(w[0], 0, digest: wrongDigest)
        #expect(bench.deliver(w[1], step: 0, 0..<1).refusal == .resultDiffers)
        #expect(bench.lease(w[2]) == 0)
        let effects = bench.handIn(w[2], 0)
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
        #expect(bench.handIn(w[0], 0).refusal == .resultDiffers)
        #expect(bench.lease(w[1]) == 0)
        #expect(bench.handIn(w[1], 0, digest: wrongDigest).refusal == .resultDiffers)
        bench.wait(0.1, beating: w)
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .paused)
        #expect(status.detail.contains("differs between workers a and b"))
    }

    @Test func `where one of two workers at odds lives and takes no lease the run pauses`() {
        var (bench, w, _) = disagreement(third: false)
        #expect(bench.handIn(w[1], 2).stagingEnds == ["node"])
        #expect(bench.lease(w[0]) == 1)
        #expect(bench.handIn(w[0], 1).stagingEnds == ["node"])
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.wait(31, beating: w).leases.count == 1)
        #expect(bench.handIn(w[0], 0).refusal == .resultDiffers)
        bench.wait(148, beating: w)
        #expect(bench.machine.status(at: bench.now).state == .running)
        bench.wait(4, beating: w)
        #expect(bench.machine.status(at: bench.now).state == .paused)
        #expect(bench.machine.status(at: bench.now).detail.contains("workers a and b"))
    }

    @Test func `of two workers at odds the one that contradicts itself is faulty`() {
        var (bench, w, _) = disagreement(third: false)
        for _ in 0..<3 { _ = bench.lease(w[0]) }
        bench.wait(31, beating: w)
        #expect(bench.handIn(w[0], 0).refusal == .resultDiffers)
        #expect(bench.lease(w[1]) == 0)
        _ = bench.handIn(w[1], 0, digest: otherWrongDigest)
        #expect(bench.names(.quarantined) == ["b"])
        #expect(bench.machine.status(at: bench.now).state == .running)
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.handIn(w[0], 0).stagingEnds == ["node"])
    }

    @Test func `a third worker that comes late still decides`() {
        var (bench, w, _) = disagreement(third: false)
        bench.wait(20, beating: w)
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        #expect(bench.handIn(c, 0).stagingEnds == ["node"])
        #expect(bench.names(.quarantined) == ["b"])
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
        var (bench, w) = Bench.withoutExchanges(slices: 2, ["a", "b", "c"])
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[2]) == 1)
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(bench.lease(w[1]) == 0)
        bench.wait(4, beating: w)
        #expect(bench.lease(w[2]) == 0)
        bench.offer(w[2], step: 0, 0..<1)
        #expect(
            bench.handIn(w[1], 0, digest: wrongDigest, isFinite: false).stagingEnds == ["node"])
        let late = bench.deliver(w[2], step: 0, 0..<1)
        #expect(late.refusal == .resultDiffers)
        #expect(bench.names(.quarantined) == ["c"])
        #expect(bench.machine.status(at: bench.now).slicesDone == 1)
    }

    @Test func `a faulty worker is refused in this epoch, and status says why`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        _ = bench.lease(w[1])
        _ = bench.handIn(w[1], 0)
        _ = bench.lease(w[2])
        _ = bench.handIn(w[2], 0)
        #expect(bench.sayHello(bench.hello("a")).effects.refusal == .quarantined)
        let status = bench.machine.status(at: bench.now)
        #expect(status.quarantine.map(\.worker) == ["a"])
        #expect(status.quarantine.first?.reason.contains("slice 0 of step 0") == true)
    }

    @Test func `what counted and is offered again after a disagreement is no second computation`() {
        var (bench, w, _) = disagreement(third: false)
        bench.give(.closed(w[0].control))
        w[0] = bench.join("a")
        bench.wait(31, beating: w)
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.offer(w[0], step: 0, 0..<2).verdicts == [.drop])
        #expect(bench.lease(w[1]) == 0)
        #expect(bench.handIn(w[1], 0, digest: wrongDigest).refusal == .resultDiffers)
        bench.wait(0.1, beating: w)
        #expect(bench.machine.status(at: bench.now).state == .running)
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.handIn(w[0], 0).refusal == .resultDiffers)
        bench.wait(0.1, beating: w)
        #expect(bench.machine.status(at: bench.now).state == .paused)
    }

    @Test func `a disagreement makes its opening doubtful, and the next one anew`() {
        let (_, _, effects) = disagreement()
        #expect(effects.doubts == [0])
        let (_, all) = contested()
        #expect(all.opened == [0])
        #expect(all.doubts == [])
    }

    @Test func `a worker that contradicts what it has in makes the opening doubtful first`() {
        var (bench, w) = Bench.withoutExchanges(slices: 3, ["a", "b"])
        for slice in 0..<2 { #expect(bench.lease(w[0]) == slice) }
        #expect(bench.offer(w[0], step: 0, 0..<1).verdicts == [.send])
        #expect(bench.offer(w[0], step: 0, 0..<2).verdicts == [.send])
        #expect(bench.deliver(w[0], step: 0, 0..<1).stagingEnds == ["node"])
        let effects = bench.deliver(w[0], step: 0, 0..<2, digest: wrongDigest)
        #expect(effects.refusal == .resultDiffers)
        #expect(bench.names(.quarantined) == ["a"])
        let order = effects.filter { $0 == .doubt(StepNumber(0)) || $0 == .openStep(StepNumber(0)) }
        #expect(order == [.doubt(StepNumber(0)), .openStep(StepNumber(0))])
    }
}
