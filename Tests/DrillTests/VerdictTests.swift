import Foundation
import Testing

@testable import CoordinatorDaemon
@testable import Drill

/// What a drill concludes, on evidence that is made up.
@Suite struct VerdictTests {
    private func evidence(
        steps: Int, digest: String? = "all", change: (inout [LedgerRecord]) -> Void = { _ in }
    ) -> Evidence {
        var timeline = Timeline()
        for step in 0..<steps { timeline.note(digests(of: step), at: 0.1 * Double(step)) }
        var ledger = (0..<steps).map { digests(of: $0) }
        change(&ledger)
        return Evidence(timeline: timeline, ledger: ledger, digest: digest, digestStep: steps)
    }

    private func fault(_ kind: FaultKind, recovered: Double? = 0.2) -> FaultReport {
        FaultReport(
            number: 1, kind: kind, target: "w1", processID: 1, at: 0.3, step: 3, hadOthers: true,
            foundSeconds: 2.5, recoveredSeconds: recovered, firstStepSeconds: 1,
            othersUndisturbed: true, problems: [])
    }

    private func verdict(
        _ faulted: Evidence, _ faultFree: Evidence?, faults: [FaultReport]? = nil
    ) -> Verdict {
        let faults = faults ?? FaultKind.allCases.map { fault($0) }
        return Verdict(
            planned: faults.count, faults: faults, faulted: faulted, faultFree: faultFree)
    }

    /// Names of the promises that did not hold.
    private func broken(_ verdict: Verdict) -> [String] {
        verdict.promises.filter { !$0.held }.map(\.name)
    }

    @Test func `equal runs hold every promise and meet every target`() {
        let verdict = verdict(evidence(steps: 10), evidence(steps: 10))
        #expect(broken(verdict).isEmpty)
        #expect(verdict.targets.count == 5 && verdict.targets.allSatisfy(\.isMet))
    }

    @Test func `a record that changed its digest is a lost step and a step that differs`() {
        let doctored = evidence(steps: 10) { $0[4] = digests(of: 4, leaf: "other") }
        let verdict = verdict(doctored, evidence(steps: 10))
        #expect(doctored.stepsLost == [4])
        #expect(
            broken(verdict) == [
                "no committed step was lost", "every step has the bits of the run without faults",
            ])
    }

    @Test func `a record that is gone is a lost step`() {
        let short = evidence(steps: 10) { $0.removeLast() }
        #expect(short.stepsLost == [9])
        #expect(broken(verdict(short, evidence(steps: 10))).count == 2)
    }

    @Test func `who computed a slice, and how often it was tried, is free`() {
        let retried = evidence(steps: 10) { $0[4] = digests(of: 4, attempts: 3) }
        #expect(broken(verdict(retried, evidence(steps: 10))).isEmpty)
    }

    @Test(arguments: [("other", 1), (nil, 1)])
    func `another digest, or none, breaks a promise`(digest: String?, count: Int) {
        let verdict = verdict(evidence(steps: 10, digest: digest), evidence(steps: 10))
        #expect(broken(verdict).count == count)
    }

    @Test func `a fault without recovery, and one that was not injected, break promises`() {
        var stuck = fault(.killWorker, recovered: nil)
        stuck.problems = ["no step within 60 s"]
        var verdict = verdict(evidence(steps: 10), evidence(steps: 10), faults: [stuck])
        #expect(broken(verdict) == ["the run went on after every fault, and everybody came back"])
        verdict.planned = 2
        #expect(broken(verdict).count == 2)
    }

    @Test func `without the other run nothing is proven`() {
        #expect(broken(verdict(evidence(steps: 10), nil)).count == 3)
    }

    @Test func `a late recovery misses its target and breaks no promise`() {
        let late = fault(.killWorker, recovered: 0.5)
        let verdict = verdict(evidence(steps: 10), evidence(steps: 10), faults: [late])
        #expect(broken(verdict).isEmpty)
        #expect(verdict.targets.map(\.isMet) == [false])
    }

    @Test func `a soak's leaks, growth, hangs and goodput are promises`() {
        let good = SoakFigures(
            minutes: 12, hangs: 0, descriptorComparisons: 8, leakedDescriptors: [],
            coordinatorGrowth: 0.01, workerGrowth: -0.02, lives: [], shortLives: 0, goodput: 0.9)
        var verdict = verdict(evidence(steps: 10), evidence(steps: 10))
        verdict.soak = good
        #expect(broken(verdict).isEmpty)
        for change: (inout SoakFigures) -> Void in [
            { $0.hangs = 1 }, { $0.leakedDescriptors = ["w1: 9 before, 10 after"] },
            { $0.coordinatorGrowth = 0.03 }, { $0.workerGrowth = nil }, { $0.goodput = 0.8 },
        ] {
            var bad = good
            change(&bad)
            verdict.soak = bad
            #expect(broken(verdict).count == 1)
        }
        verdict.soak = good
        verdict.soak?.workerGrowth = nil
        verdict.soak?.minutes = 3
        #expect(broken(verdict).isEmpty, "three minutes are too short to measure memory")
    }
}
