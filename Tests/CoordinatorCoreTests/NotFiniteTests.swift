import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 2, *Faults that are not deaths*: results that are not finite.
@Suite struct NotFiniteTests {
    @Test func `a result that is not finite is computed again by another worker`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a", "b"])
        #expect(bench.lease(w[0]) == 0)
        let first = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(first.refusal == .resultDiffers)
        #expect(first.stagingEnds == ["drop"])
        #expect(first.notes.contains { $0.contains("not finite on worker a") })
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.lease(w[1]) == 0)
        let second = bench.handIn(w[1], 0, digest: wrongDigest, isFinite: false)
        #expect(second.notes.contains { $0.contains("a and b alike: it is genuine") })
        #expect(second.commits == [0])
        #expect(second.accounts.map(\.leaf.isFinite) == [false])
        #expect(bench.names(.quarantined) == [])
    }

    @Test func `a worker that alone came to numbers that are not finite is faulty`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        _ = bench.lease(w[1])
        #expect(bench.handIn(w[1], 0).commits == [])
        #expect(bench.lease(w[1]) == nil)
        #expect(bench.lease(w[2]) == 0)
        let third = bench.handIn(w[2], 0)
        #expect(third.commits == [0])
        #expect(third.accounts.map(\.worker) == ["c"])
        #expect(third.notes.contains { $0.contains("silent corruption found: worker a") })
        #expect(bench.names(.quarantined) == ["a"])
    }

    @Test func `a worker that alone came to finite numbers is faulty`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a", "b", "c"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        _ = bench.lease(w[1])
        _ = bench.handIn(w[1], 0)
        _ = bench.lease(w[2])
        #expect(bench.handIn(w[2], 0, digest: wrongDigest, isFinite: false).commits == [0])
        #expect(bench.names(.quarantined) == ["b"])
    }

    @Test func `the other slices of a node with a disputed one are computed again, by anyone`() {
        var (bench, w) = Bench.withoutExchanges(slices: 2, ["a", "b"])
        _ = bench.lease(w[0])
        _ = bench.lease(w[0])
        bench.offer(w[0], step: 0, 0..<2)
        let leaves = [
            Leaf(
                slice: SliceNumber(0), digest: leafDigest(0, 0), isFinite: true,
                computeMilliseconds: 1),
            Leaf(
                slice: SliceNumber(1), digest: wrongDigest, isFinite: false,
                computeMilliseconds: 1),
        ]
        let node = DeliverNode(step: StepNumber(0), node: SliceRange(0, 2), leaves: leaves)
        #expect(bench.ask(w[0], .deliverNode(node), onBulk: true).stagingEnds == ["drop"])
        #expect(bench.lease(w[0]) == 0)
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.lease(w[1]) == 1)
    }

    @Test func `a worker that takes it and brings nothing holds a dispute up for two terms`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a", "b"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
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
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(bench.lease(w[0]) == nil)
        let late = bench.wait(31, beating: [w[0]])
        #expect(late.notes.contains { $0.contains("no other worker took it within") })
        #expect(late.leases.count == 1)
        let again = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(again.commits == [0])
        #expect(again.notes.contains { $0.contains("counts on its word alone") })
    }

    @Test func `a lone worker that contradicts itself is faulty`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a"])
        _ = bench.lease(w[0])
        _ = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        _ = bench.lease(w[0])
        bench.wait(31, beating: [w[0]])
        let again = bench.handIn(w[0], 0)
        #expect(again.commits == [])
        #expect(bench.names(.quarantined) == ["a"])
        let b = bench.join("b")
        #expect(bench.lease(b) == 0)
        #expect(bench.handIn(b, 0).commits == [0])
    }

    @Test(arguments: 1...3)
    func `what a next life offers again is no second computation, however often`(lives: Int) {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a"])
        _ = bench.lease(w[0])
        bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        bench.wait(31, beating: w)
        for _ in 0..<lives {
            // The reply is lost with the connection.
            bench.give(.closed(w[0].control))
            w[0] = bench.join("a")
            #expect(bench.lease(w[0]) == 0)
            let again = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
            #expect(again.verdicts == [.drop])
        }
        #expect(bench.lease(w[0]) == 0)
        let second = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(second.commits == [0])
        #expect(second.notes.contains { $0.contains("counts on its word alone") })
    }

    @Test func `a next life that was dropped once is heard when it has computed`() {
        var (bench, w) = Bench.withoutExchanges(slices: 1, ["a"])
        _ = bench.lease(w[0])
        bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        bench.give(.closed(w[0].control))
        w[0] = bench.join("a")
        #expect(bench.lease(w[0]) == nil)
        #expect(bench.offer(w[0], step: 0, 0..<1).verdicts == [.drop])
        #expect(bench.wait(31, beating: w).leases.count == 1)
        #expect(bench.handIn(w[0], 0).commits == [])
        #expect(bench.names(.quarantined) == ["a"])
    }

    @Test func `a result that is not finite makes its opening doubtful`() {
        var (bench, w) = Bench.withoutExchanges(slices: 2, ["a", "b"])
        for slice in 0..<2 { #expect(bench.lease(w[0]) == slice) }
        let first = bench.handIn(w[0], 0, digest: wrongDigest, isFinite: false)
        #expect(first.doubts == [0])
        #expect(bench.handIn(w[0], 1, digest: wrongDigest, isFinite: false).doubts == [])
        for slice in 0..<2 {
            #expect(bench.lease(w[1]) == slice)
            let effects = bench.handIn(w[1], slice, digest: wrongDigest, isFinite: false)
            #expect(effects.doubts == [])
        }
        #expect(bench.lease(w[1]) == 0)
        #expect(bench.handIn(w[1], 0, step: 1, isFinite: false).doubts == [1])
    }
}
