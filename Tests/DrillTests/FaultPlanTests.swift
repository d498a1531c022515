import Storage
import Testing

@testable import Drill

@Suite struct FaultPlanTests {
    @Test func `a seed gives the same plan, and another seed another`() {
        let plan = FaultPlan(count: 20, steps: 400, workers: 3, seed: 7)
        #expect(plan == FaultPlan(count: 20, steps: 400, workers: 3, seed: 7))
        #expect(plan != FaultPlan(count: 20, steps: 400, workers: 3, seed: 8))
        let soak = FaultPlan(minutes: 5, every: 15...30, workers: 3, seed: 7)
        #expect(soak == FaultPlan(minutes: 5, every: 15...30, workers: 3, seed: 7))
    }

    @Test(arguments: [0, 1, 2, 99])
    func `every five faults in a row are of every kind`(seed: Int) {
        let faults = FaultPlan(count: 25, steps: 100, workers: 3, seed: UInt64(seed)).faults
        for bag in 0..<5 {
            let kinds = Set(faults[(5 * bag)..<(5 * bag + 5)].map(\.kind))
            #expect(kinds == Set(FaultKind.allCases))
        }
    }

    @Test(arguments: [(5, 40), (1, 3), (38, 40), (100, 10_000), (0, 3)])
    func `faults fall into parts of the run of their own, after a step and before one`(
        count: Int, steps: Int
    ) {
        for seed in 0..<50 {
            let plan = FaultPlan(count: count, steps: steps, workers: 2, seed: UInt64(seed))
            #expect(plan.faults.count == count)
            var latest = 0
            for fault in plan.faults {
                guard case .step(let first, let last, let offset) = fault.moment else {
                    Issue.record("\(fault.moment) is no step")
                    continue
                }
                #expect(first > latest && last >= first && last <= steps - 2)
                #expect((0..<1).contains(offset))
                latest = last
            }
        }
    }

    @Test func `every worker is a target of some fault, and first choices differ`() {
        let faults = FaultPlan(count: 60, steps: 100, workers: 3, seed: 3).faults
        for fault in faults { #expect(fault.targets.sorted() == [1, 2, 3]) }
        #expect(Set(faults.map { $0.targets[0] }) == [1, 2, 3])
    }

    @Test func `a soak spares its first worker and, in its second half, the coordinator`() {
        for seed in 0..<20 {
            let plan = FaultPlan(minutes: 10, every: 15...30, workers: 3, seed: UInt64(seed))
            var seconds = 0.0
            for fault in plan.faults {
                guard case .pause(let pause) = fault.moment else {
                    Issue.record("\(fault.moment) is no pause")
                    continue
                }
                #expect((15...30).contains(pause))
                seconds += pause
                if fault.kind == .killWorker { #expect(!fault.targets.contains(1)) }
                if seconds >= 300 { #expect(fault.kind != .killCoordinator) }
            }
            #expect(seconds >= 600)
            #expect(plan.faults.contains { $0.kind == .killCoordinator })
        }
    }

    @Test func `the generator gives the numbers of its paper's code`() {
        // The first outputs of SplitMix64 for the seed 1234567 (the reference in C).
        var draws = SplitMix64(seed: 1_234_567)
        #expect(draws.next() == 6_457_827_717_110_365_317)
        #expect(draws.next() == 3_203_168_211_198_807_973)
        #expect(draws.next() == 9_817_491_932_198_370_423)
    }
}
