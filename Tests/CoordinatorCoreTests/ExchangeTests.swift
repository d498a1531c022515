import CoordinatorCore
import Messages
import Testing

/// Design, section 2.4.
@Suite struct ExchangeTests {
    @Test func `a group is answered as soon as its slices are in`() {
        var bench = Bench(benchSettings(slices: 4, groups: [0..<2, 2..<4]))
        let a = bench.join("a")
        for _ in 0..<4 { _ = bench.lease(a) }
        #expect(bench.exchange(a, step: 0, slice: 3).answerGroups == [])
        #expect(bench.exchange(a, step: 0, slice: 0).answerGroups == [])
        let effects = bench.exchange(a, step: 0, slice: 2)
        #expect(effects.answerGroups == [1])
        #expect(effects.answers.map(\.slice.index) == [2, 3])
    }

    @Test func `the slices of a group are answered in their order, not in that of arrival`() {
        var bench = Bench(benchSettings(slices: 3))
        let a = bench.join("a")
        for _ in 0..<3 { _ = bench.lease(a) }
        bench.exchange(a, step: 0, slice: 2)
        bench.exchange(a, step: 0, slice: 1)
        #expect(bench.exchange(a, step: 0, slice: 0).answers.map(\.slice.index) == [0, 1, 2])
    }

    @Test func `empty slices are no part of a group`() {
        var bench = Bench(benchSettings(slices: 3), prepared: false)
        bench.empty = [1]
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        let a = bench.join("a")
        for _ in 0..<2 { _ = bench.lease(a) }
        bench.exchange(a, step: 0, slice: 2)
        #expect(bench.exchange(a, step: 0, slice: 0).answerGroups == [0])
        #expect(bench.exchange(a, step: 0, slice: 1).refusal == .badValue)
    }

    @Test func `a re-leased slice gets the kept answer, no new round`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.exchange(a, step: 0, slice: 0)
        bench.give(.closed(a.control))
        let b = bench.join("b")
        _ = bench.lease(b)
        let effects = bench.exchange(b, step: 0, slice: 0)
        #expect(effects.answers.count == 1)
        #expect(effects.answerGroups.isEmpty)
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `a lost worker's input stays and its slice waits with the group`() {
        var bench = Bench(benchSettings(slices: 2))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == 1)
        bench.exchange(a, step: 0, slice: 0)
        bench.give(.closed(a.control))
        #expect(bench.exchange(b, step: 0, slice: 1).answers.map(\.slice.index) == [1])
    }

    @Test func `an input of a slice that is not leased to the sender is refused`() {
        var bench = Bench()
        let a = bench.join("a")
        let effects = bench.exchange(a, step: 0, slice: 2)
        #expect(effects.refusal == .leaseGone)
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `an input of another step is refused`() {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        #expect(bench.exchange(a, step: 1, slice: 0).refusal == .leaseGone)
    }

    @Test(arguments: [(0, 7), (9, 0)])
    func `slices and rounds that do not exist are refused`(slice: Int, round: Int) {
        var bench = Bench()
        let a = bench.join("a")
        _ = bench.lease(a)
        let effects = bench.exchange(a, step: 0, slice: slice, round: round)
        #expect(effects.refusal == .badValue)
        #expect(effects.stagingEnds == ["drop"])
    }

    @Test func `rounds come in their order`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 2))
        let a = bench.join("a")
        _ = bench.lease(a)
        #expect(bench.exchange(a, step: 0, slice: 0, round: 1).refusal == .outOfOrder)
        #expect(bench.exchange(a, step: 0, slice: 0, round: 0).answers.count == 1)
        #expect(bench.exchange(a, step: 0, slice: 0, round: 1).answers.count == 1)
    }

    @Test func `who waits for a slice that another has finished is told`() {
        var bench = Bench(benchSettings(slices: 2, groups: [0..<1, 1..<2]))
        bench.holdsAnswers = true
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == 1)
        bench.wait(4, beating: [a, b])
        #expect(bench.lease(b) == 0)
        bench.exchange(b, step: 0, slice: 0)
        bench.give(.groupAnswered(StepNumber(0), round: 0, group: 0))
        bench.offer(b, step: 0, 0..<1)
        bench.exchange(a, step: 0, slice: 0)
        let effects = bench.deliver(b, step: 0, 0..<1)
        #expect(effects.pushes == [.abandon(StepNumber(0), SliceNumber(0))])
        #expect(bench.exchange(a, step: 0, slice: 0).refusal == .leaseGone)
    }
}
