import Testing

@testable import CoordinatorDaemon
@testable import Drill

@Suite struct TimelineTests {
    /// A timeline with a commit at each of these moments.
    private func timeline(commits: [Double]) -> Timeline {
        var timeline = Timeline()
        for (step, moment) in commits.enumerated() {
            timeline.note(digests(of: step), at: moment)
            timeline.note(madeStep: step, at: moment + 0.001)
        }
        return timeline
    }

    @Test func `the first commit after a moment is found, and none after the last`() {
        let timeline = timeline(commits: [1, 2, 3.5, 4])
        #expect(timeline.commit(after: 0)?.record.step == 0)
        #expect(timeline.commit(after: 2)?.record.step == 2)
        #expect(timeline.commit(after: 4) == nil)
        #expect(timeline.made(after: 3)?.step == 2)
    }

    @Test func `steps made again are seen apart from new ones`() {
        var timeline = timeline(commits: [1, 2, 3])
        for step in [1, 2] { timeline.note(madeStep: step, at: 5 + Double(step)) }
        #expect(timeline.made(after: 4)?.step == 1)
        #expect(timeline.commit(after: 4) == nil)
        #expect(timeline.stepCount == 3)
    }

    @Test func `median, longest pause and span are those of the commits`() {
        let timeline = timeline(commits: [1, 1.1, 1.2, 4.2, 4.3])
        #expect(abs((timeline.medianStepSeconds ?? 0) - 0.1) < 1e-9)
        #expect(abs(timeline.longestPause - 3) < 1e-9)
        #expect(abs(timeline.span - 3.3) < 1e-9)
        #expect(Timeline().medianStepSeconds == nil)
        #expect(abs(timeline.recentStepSeconds - 0.1) < 1e-9 && Timeline().recentStepSeconds == 0)
    }
}

/// Digests that name their step.
func digests(of step: Int, leaf: String = "leaf", attempts: Int = 1) -> LedgerRecord {
    LedgerRecord(
        step: step, dataEpoch: 0, samples: "s\(step)", version: "v\(step)", gradient: "g\(step)",
        next: "v\(step + 1)",
        slices: [
            .init(
                slice: 0, firstRow: 0, endRow: 8, attempts: attempts, worker: "w1", leaf: leaf)
        ])
}
