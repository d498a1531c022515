import CoordinatorCore
import Identity
import Messages
import Testing

@testable import CoordinatorDaemon

@Suite struct PhaseClockTests {
    private func opened(_ step: Int) -> Event {
        .stepOpened(
            OpenedStep(step: StepNumber(step), version: sha256([1]), tasks: [], nextTasks: []))
    }

    @Test func `the phases of a step follow on each other without a gap`() {
        var clock = PhaseClock()
        clock.note(opened(0), at: 10)
        let slices = SliceRange(0, 1)
        let step = StepNumber(0)
        let atFirst = clock.note(.answerGroup(step, round: 0, group: 0, slices: slices), at: 12)
        #expect(atFirst == nil)
        clock.note(.groupAnswered(step, round: 0, group: 0), at: 12.5)
        _ = clock.note(.answerGroup(step, round: 0, group: 1, slices: slices), at: 13)
        clock.note(.groupAnswered(step, round: 0, group: 1), at: 13.25)
        let first = clock.note(.commit(step, []), at: 15)
        #expect(
            first
                == PhaseSeconds(
                    turn: 0, forward: 3, exchange: 0.25, backward: 1.75, answers: 0.75))
        clock.note(opened(1), at: 15.5)
        // Without exchanges, all of it is forward.
        let second = clock.note(.commit(StepNumber(1), []), at: 17)
        #expect(
            second == PhaseSeconds(turn: 0.5, forward: 1.5, exchange: 0, backward: 0, answers: 0))
        let sum = second?.named.reduce(0.0) { $0 + $1.seconds } ?? 0
        #expect(sum == 2, "from the last result of step 0 at 15 to that of step 1 at 17")
    }

    @Test func `waits for answers add up over groups, and begin anew with an opening`() {
        var clock = PhaseClock()
        clock.note(opened(0), at: 0)
        let (slices, step) = (SliceRange(0, 1), StepNumber(0))
        _ = clock.note(.answerGroup(step, round: 0, group: 0, slices: slices), at: 1)
        clock.note(.groupAnswered(step, round: 0, group: 0), at: 2)
        _ = clock.note(.answerGroup(step, round: 0, group: 1, slices: slices), at: 3)
        clock.note(opened(0), at: 4)
        // What was asked before is answered in vain: no wait of this opening ends with it.
        clock.note(.groupAnswered(step, round: 0, group: 1), at: 5)
        _ = clock.note(.answerGroup(step, round: 0, group: 0, slices: slices), at: 6)
        _ = clock.note(.answerGroup(step, round: 1, group: 0, slices: slices), at: 7)
        clock.note(.groupAnswered(step, round: 0, group: 0), at: 8)
        clock.note(.groupAnswered(step, round: 1, group: 0), at: 11)
        let phases = clock.note(.commit(step, []), at: 12)
        #expect(phases?.answers == 6)
    }

    @Test func `a mean is taken phase by phase`() {
        let mean = PhaseSeconds.mean([
            PhaseSeconds(turn: 1, forward: 2, exchange: 3, backward: 4, answers: 5),
            PhaseSeconds(turn: 3, forward: 4, exchange: 5, backward: 6, answers: 7),
        ])
        #expect(
            mean == PhaseSeconds(turn: 2, forward: 3, exchange: 4, backward: 5, answers: 6))
        #expect(PhaseSeconds.mean([]) == PhaseSeconds())
    }
}
