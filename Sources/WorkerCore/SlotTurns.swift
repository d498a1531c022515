/// Whose turn it is on a slot: one slice computes at a time; a slice that waits for the answer to
/// its exchange gives its turn away, and answered slices come before new ones.
package struct SlotTurns<Waiter> {
    private var isTaken = false
    private var answered: [Waiter] = []
    private var new: [Waiter] = []
    /// Slices that wait for answers.
    package private(set) var parkedCount = 0

    /// A slot on which nothing computes.
    package init() {}

    /// Takes the turn if it is free.
    package mutating func take() -> Bool {
        defer { isTaken = true }
        return !isTaken
    }

    /// Waits for the turn, which somebody has.
    package mutating func wait(_ waiter: Waiter, isAnswered: Bool) {
        if isAnswered { answered.append(waiter) } else { new.append(waiter) }
    }

    /// Hands the turn to the slice that waits longest, answered ones first; nil if none waits.
    package mutating func give() -> Waiter? {
        if !answered.isEmpty { return answered.removeFirst() }
        if !new.isEmpty { return new.removeFirst() }
        isTaken = false
        return nil
    }

    /// A slice begins to wait for an answer.
    package mutating func park() { parkedCount += 1 }

    /// A slice has its answer and its turn.
    package mutating func unpark() { parkedCount -= 1 }
}

extension SlotTurns: Sendable where Waiter: Sendable {}
