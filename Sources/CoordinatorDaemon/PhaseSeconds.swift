import CoordinatorCore

/// Where the time of a step goes, one phase after the other, as the coordinator sees it.
///
/// The phases of all workers together: forward ends with the last input, whoever sends it. Their
/// sum is the time from one step's last result to the next one's; `answers` lies across them.
struct PhaseSeconds: Hashable, Sendable {
    /// From the last result of the step before to the opening of this one: commit, draw.
    var turn = 0.0
    /// From the opening to the last input of an exchange; for a method without exchanges to the
    /// last result.
    var forward = 0.0
    /// From the last input to the last answer.
    var exchange = 0.0
    /// From the last answer to the last result.
    var backward = 0.0
    /// From the last input of an answer group to its answer, summed over groups.
    ///
    /// Workers compute other slices meanwhile, if there are any.
    var answers = 0.0

    /// The names and values of the phases, in the order of time.
    var named: [(name: String, seconds: Double)] {
        [("turn", turn), ("forward", forward), ("exchange", exchange), ("backward", backward)]
    }

    /// The mean over steps; zeros for none.
    static func mean(_ steps: some Collection<PhaseSeconds>) -> PhaseSeconds {
        let count = Double(max(1, steps.count))
        func mean(_ phase: (PhaseSeconds) -> Double) -> Double {
            steps.reduce(0) { $0 + phase($1) } / count
        }
        return PhaseSeconds(
            turn: mean(\.turn), forward: mean(\.forward), exchange: mean(\.exchange),
            backward: mean(\.backward), answers: mean(\.answers))
    }
}

/// Measures the phases of steps and the waits for answers, from the machine's effects and the
/// events that it is given.
struct PhaseClock {
    private struct Group: Hashable {
        var round: Int
        var group: Int
    }

    private var turn = 0.0
    private var answers = 0.0
    private var answersBegan: [Group: Double] = [:]
    private var committedAt: Double?
    private var openedAt: Double?
    private var inputAt: Double?
    private var answeredAt: Double?

    /// An event is about to be handled.
    mutating func note(_ event: Event, at seconds: Double) {
        switch event {
        case .stepOpened:
            // A step that is opened again begins anew; the turn before it was measured once.
            turn = committedAt.take().map { seconds - $0 } ?? 0
            (openedAt, inputAt, answeredAt) = (seconds, nil, nil)
            (answers, answersBegan) = (0, [:])
        case .groupAnswered(_, let round, let group):
            answeredAt = seconds
            let began = answersBegan.removeValue(forKey: Group(round: round, group: group))
            answers += began.map { seconds - $0 } ?? 0
        default: break
        }
    }

    /// An effect is about to be carried out; tells the phases of a step that is complete.
    mutating func note(_ effect: Effect, at seconds: Double) -> PhaseSeconds? {
        switch effect {
        case .answerGroup(_, let round, let group, _):
            inputAt = seconds
            answersBegan[Group(round: round, group: group)] = seconds
            return nil
        case .commit:
            committedAt = seconds
            guard let openedAt else { return nil }
            let (input, answered) = (inputAt ?? seconds, answeredAt ?? seconds)
            return PhaseSeconds(
                turn: turn, forward: input - openedAt, exchange: max(0, answered - input),
                backward: max(0, seconds - max(answered, input)), answers: answers)
        default: return nil
        }
    }
}
