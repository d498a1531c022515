import CoordinatorCore
import Messages

/// Seconds that workers may have spent waiting for the coordinator.
struct CoordinatorSeconds: Hashable, Sendable {
    /// From the last result of a step to the opening of the next one: nobody can compute meanwhile.
    var turn = 0.0
    /// From the last input of an answer group to its answer, summed over groups.
    ///
    /// Workers compute other slices meanwhile, if there are any.
    var answers = 0.0

    static func + (a: CoordinatorSeconds, b: CoordinatorSeconds) -> CoordinatorSeconds {
        CoordinatorSeconds(turn: a.turn + b.turn, answers: a.answers + b.answers)
    }
}

/// Measures how long workers wait for the coordinator, from the machine's effects to the events
/// that end them.
struct TurnClock {
    private struct Group: Hashable {
        var round: Int
        var group: Int
    }

    private var turnBegan: Double?
    private var answersBegan: [Group: Double] = [:]

    /// An effect is about to be carried out.
    mutating func note(_ effect: Effect, at seconds: Double) {
        switch effect {
        case .commit: turnBegan = seconds
        case .answerGroup(_, let round, let group, _):
            answersBegan[Group(round: round, group: group)] = seconds
        default: break
        }
    }

    /// An event is about to be handled; tells what it ends, if anything.
    mutating func note(_ event: Event, at seconds: Double) -> CoordinatorSeconds? {
        switch event {
        case .stepOpened:
            answersBegan = [:]
            return turnBegan.take().map { CoordinatorSeconds(turn: seconds - $0) }
        case .groupAnswered(_, let round, let group):
            return answersBegan.removeValue(forKey: Group(round: round, group: group))
                .map { CoordinatorSeconds(answers: seconds - $0) }
        default: return nil
        }
    }
}
