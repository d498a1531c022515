import Identity
import Messages

/// A request that waits for its reply, by worker.
struct Asker: Hashable, Sendable {
    /// The worker.
    var worker: Incarnation
    /// Its request.
    var request: RequestID
}

/// The exchange rounds of the open step (design, section 2.4).
///
/// Which inputs are kept, which answer groups are answered, and who waits. Answers stay until the
/// step commits, so that a slice that is leased again gets the kept answer.
struct ExchangeBook: Sendable {
    /// An input that is kept.
    struct Input: Hashable, Sendable {
        /// SHA-256 of its tensors.
        var digest: Digest
        /// Name of the worker that sent it.
        var worker: String
        /// The life of it that did.
        var life: Incarnation
    }

    /// How far an answer group is.
    enum GroupState: Hashable, Sendable {
        /// Inputs are missing.
        case open
        /// The shell computes the answer, since this moment.
        case asked(Moment)
        /// The answer is there.
        case answered
    }

    /// A request for an answer.
    struct Waiter: Hashable, Sendable {
        /// Who asked.
        var asker: Asker
        /// Since when.
        var since: Moment
    }

    /// One round.
    struct Round: Hashable, Sendable {
        /// Runs of slices, in order.
        var groups: [Range<Int>]
        /// State of each group.
        var states: [GroupState]
        /// The kept input of each slice.
        var inputs: [Input?]
        /// Who waits for the answer of each slice, in order of arrival.
        var waiters: [[Waiter]]
    }

    /// What became of an input.
    enum Taken: Hashable, Sendable {
        /// It counts.
        case kept
        /// The same input is kept already.
        case repeated
    }

    /// The rounds, in the method's order.
    private(set) var rounds: [Round]
    private let occupied: [Bool]

    /// The rounds of a step, before any input.
    init(groups: [[Range<Int>]], occupied: [Bool]) {
        self.occupied = occupied
        rounds = groups.map { groups in
            Round(
                groups: groups, states: groups.map { _ in .open },
                inputs: occupied.map { _ in nil }, waiters: occupied.map { _ in [] })
        }
    }

    /// Whether every round of the slice is answered: only then can its result be right.
    func isThrough(_ slice: Int) -> Bool {
        rounds.indices.allSatisfy { state(of: slice, round: $0) == .answered }
    }

    /// The group of a slice.
    func group(of slice: Int, round: Int) -> Int? {
        rounds[round].groups.firstIndex { $0.contains(slice) }
    }

    /// The state of a slice's group.
    func state(of slice: Int, round: Int) -> GroupState {
        group(of: slice, round: round).map { rounds[round].states[$0] } ?? .open
    }

    /// Takes a slice's input in.
    mutating func take(
        slice: Int, round: Int, digest: Digest, from worker: String, _ life: Incarnation
    ) -> Taken {
        if let first = rounds[round].inputs[slice] {
            precondition(first.digest == digest, "an input that differs is disputed, not taken")
            return .repeated
        }
        rounds[round].inputs[slice] = Input(digest: digest, worker: worker, life: life)
        return .kept
    }

    /// The slice's group, if its last input has just come: it is then marked as asked.
    mutating func completeGroup(of slice: Int, round: Int, at time: Moment) -> Int? {
        guard let group = group(of: slice, round: round), rounds[round].states[group] == .open,
            missing(in: group, round: round).isEmpty
        else { return nil }
        rounds[round].states[group] = .asked(time)
        return group
    }

    /// The slices whose inputs a group lacks, rising.
    func missing(in group: Int, round: Int) -> [Int] {
        rounds[round].groups[group].filter { occupied[$0] && rounds[round].inputs[$0] == nil }
    }

    /// Notes who waits for a slice's answer.
    mutating func wait(_ asker: Asker, slice: Int, round: Int, since: Moment) {
        rounds[round].waiters[slice].append(Waiter(asker: asker, since: since))
    }

    /// Marks a group as answered; returns who waited, by slice, then by arrival.
    mutating func answer(_ group: Int, round: Int) -> [(slice: Int, asker: Asker)] {
        rounds[round].states[group] = .answered
        var waited: [(slice: Int, asker: Asker)] = []
        for slice in rounds[round].groups[group] {
            waited += rounds[round].waiters[slice].map { (slice, $0.asker) }
            rounds[round].waiters[slice] = []
        }
        return waited
    }

    /// Forgets who waits for a slice, in all rounds; returns them.
    mutating func dismiss(
        slice: Int, where isMeant: (Asker) -> Bool = { _ in true }
    ) -> [Asker] {
        var gone: [Asker] = []
        for round in rounds.indices {
            gone += rounds[round].waiters[slice].map(\.asker).filter(isMeant)
            rounds[round].waiters[slice].removeAll { isMeant($0.asker) }
        }
        return gone
    }

    /// Forgets all who wait; returns them, by slice.
    mutating func dismissAll() -> [Asker] {
        occupied.indices.flatMap { dismiss(slice: $0) }
    }

    /// Forgets a lost worker's waits.
    mutating func lose(_ worker: Incarnation) {
        for slice in occupied.indices { _ = dismiss(slice: slice) { $0.worker == worker } }
    }

    /// All who wait, by round, slice and arrival.
    var waiters: [Asker] { rounds.flatMap { $0.waiters.flatMap { $0.map(\.asker) } } }
}
