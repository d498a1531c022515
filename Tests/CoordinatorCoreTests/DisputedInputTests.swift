import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 2, *Faults that are not deaths*: exchange inputs that differ.
@Suite struct DisputedInputTests {
    /// Worker a's input of slice 0 is kept, b gets the slice after a's death and differs.
    private func inputs(by slices: Int = 2) -> (Bench, BenchWorker, [Effect]) {
        var bench = Bench(benchSettings(slices: slices))
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        bench.exchange(a, step: 0, slice: 0)
        bench.give(.closed(a.control))
        let b = bench.join("b")
        #expect(bench.lease(b) == 0)
        let effects = bench.exchange(b, step: 0, slice: 0, digest: wrongDigest)
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
        #expect(bench.names(.quarantined) == ["b"])
        #expect(bench.lease(c) == 1)
        let effect = bench.exchange(c, step: 0, slice: 1)
        #expect(effect.answers.map(\.slice.index) == [0, 1])
    }

    @Test func `an input that differs is decided by a third worker's, against the first`() {
        var (bench, _, _) = inputs()
        let c = bench.join("c")
        #expect(bench.lease(c) == 0)
        let third = bench.exchange(c, step: 0, slice: 0, digest: wrongDigest)
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
        let effects = bench.exchange(b, step: 0, slice: 0, digest: wrongDigest)
        // Both hold the slice no more: a was told so, b refused.
        #expect(effects.refusals == [.leaseGone, .resultDiffers])
        #expect(effects.pushes == [.abandon(StepNumber(0), SliceNumber(0))])
        bench.give(.groupAnswered(StepNumber(0), round: 0, group: 0))
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.drop])
    }
}
