import Messages
import Optimizers

/// What a lease holder is doing with its slice, as far as the coordinator can tell.
enum HolderState: Hashable, Sendable {
    /// It computes, or the slice waits inside the worker.
    case working
    /// The slice waits for the coordinator's answer to an exchange.
    case parked
    /// The slice's node waits for a credit.
    case offered
    /// A node with the slice is on its way; so much more time is allowed for the transfer.
    case delivering(allowance: Duration)
}

/// A worker that holds a lease.
struct Holder: Hashable, Sendable {
    /// The worker.
    var worker: Incarnation
    /// When it got the lease.
    var since: Moment
    /// When the slice last moved.
    var progress: Moment
    /// What it does.
    var state = HolderState.working
    /// Whether a slot reported to be on this slice at the last heartbeat.
    var isOnSlot = false
}

/// Who computes which slice of the open step (design, sections 2.2 and 2 below).
///
/// A slice is unleased, leased to one worker, or, where the first holder is overdue, to several.
/// A holder whose slice waits for the coordinator is never overdue.
struct LeaseBook: Sendable {
    /// Errors of one slice after which the run pauses.
    static let failuresMax = 3

    /// One slice of the step.
    struct Slice: Hashable, Sendable {
        /// Whether it holds no samples: nothing is to be done for it.
        var isEmpty: Bool
        /// Whether its result is in.
        var isDone = false
        /// Since when it has been without a holder, for status.
        var idleSince: Moment
        /// Its holders, oldest lease first.
        var holders: [Holder] = []
        /// How often it was leased.
        var attempts = 0
        /// How often it came back with an error.
        var failures = 0
        /// How often its holder was lost.
        var losses = 0
        /// Workers on which it failed.
        var failedOn: [Incarnation] = []
        /// Who had the slice of this number in the step before: it has its samples ready.
        var previous: Incarnation?
        /// Who got it last in this step.
        var last: Incarnation?
    }

    /// The step.
    let step: StepNumber
    /// The slices, in order.
    private(set) var slices: [Slice]
    let tree: GradientTree

    /// All slices of a step, unleased.
    ///
    /// `previous` names, for every slice, who had the slice of this number in the step before.
    init(
        step: StepNumber, occupied: [Bool], tree: GradientTree, previous: [Incarnation?],
        at time: Moment
    ) {
        self.step = step
        self.tree = tree
        slices = occupied.enumerated().map { index, isOccupied in
            Slice(
                isEmpty: !isOccupied, idleSince: time,
                previous: index < previous.count ? previous[index] : nil)
        }
    }

    /// Whether every slice that holds samples is done.
    var isComplete: Bool { slices.allSatisfy { $0.isEmpty || $0.isDone } }

    /// Whether no slice is leased.
    var isIdle: Bool { slices.allSatisfy(\.holders.isEmpty) }

    /// Who had every slice last, for the next step's book.
    var lastHolders: [Incarnation?] { slices.map { $0.last ?? $0.previous } }

    /// Whether the worker holds the slice.
    func holds(_ worker: Incarnation, _ slice: Int) -> Bool {
        slices[slice].holders.contains { $0.worker == worker }
    }

    /// The slices that the worker holds, rising.
    func held(by worker: Incarnation) -> [Int] {
        slices.indices.filter { holds(worker, $0) }
    }

    // MARK: Changes

    /// Leases a slice.
    mutating func lease(_ slice: Int, to worker: Incarnation, at time: Moment) {
        precondition(!slices[slice].isDone, "a slice that is done is not leased")
        precondition(!holds(worker, slice), "a worker holds a slice once")
        slices[slice].holders.append(Holder(worker: worker, since: time, progress: time))
        slices[slice].attempts += 1
        slices[slice].last = worker
    }

    /// A worker that holds no lease offers a slice's result, from before it said hello again: it
    /// counts as a holder from now on, so that the slice is not given away meanwhile.
    mutating func adopt(_ slice: Int, for worker: Incarnation, at time: Moment) {
        guard !slices[slice].isDone, !slices[slice].isEmpty, !holds(worker, slice) else { return }
        slices[slice].holders.append(Holder(worker: worker, since: time, progress: time))
        slices[slice].last = worker
    }

    /// Ends a worker's lease on a slice; tells whether there was one.
    @discardableResult
    mutating func release(_ slice: Int, from worker: Incarnation, at time: Moment) -> Bool {
        guard holds(worker, slice) else { return false }
        slices[slice].holders.removeAll { $0.worker == worker }
        if slices[slice].holders.isEmpty { slices[slice].idleSince = time }
        return true
    }

    /// Ends all leases of a lost worker; returns its slices, rising.
    mutating func lose(_ worker: Incarnation, at time: Moment) -> [Int] {
        let lost = held(by: worker)
        for slice in lost {
            release(slice, from: worker, at: time)
            slices[slice].losses += 1
        }
        for slice in slices.indices where slices[slice].previous == worker {
            slices[slice].previous = nil
        }
        return lost
    }

    /// Counts an error of a slice; returns how many there were.
    mutating func fail(_ slice: Int, on worker: Incarnation) -> Int {
        slices[slice].failures += 1
        if !slices[slice].failedOn.contains(worker) { slices[slice].failedOn.append(worker) }
        return slices[slice].failures
    }

    /// A slice's result is in; returns who else held it, oldest lease first.
    mutating func finish(_ slice: Int, by worker: Incarnation) -> [Incarnation] {
        let others = slices[slice].holders.map(\.worker).filter { $0 != worker }
        slices[slice].isDone = true
        slices[slice].holders = []
        return others
    }

    /// A slice's result counts no more.
    mutating func reopen(_ slice: Int, at time: Moment) {
        slices[slice].isDone = false
        slices[slice].idleSince = time
    }

    /// The holder's slice enters another state; its time starts again.
    mutating func move(
        _ slice: Int, of worker: Incarnation, to state: HolderState, at time: Moment
    ) {
        guard let place = slices[slice].holders.firstIndex(where: { $0.worker == worker }) else {
            return
        }
        slices[slice].holders[place].state = state
        slices[slice].holders[place].progress = time
    }

    /// Takes a heartbeat in: `moved` are the slots whose counters advanced, `slots` all of them.
    ///
    /// A slice on a slot moves with that slot. One on no slot waits inside the worker, and moves
    /// with any of the worker's slots.
    mutating func advance(
        _ worker: Incarnation, slots: [SlotProgress], moved: [Bool], at time: Moment
    ) {
        let anyMoved = moved.contains(true)
        for slice in slices.indices {
            guard
                let place = slices[slice].holders.firstIndex(where: { $0.worker == worker })
            else { continue }
            let on = slots.indices.filter {
                // An idle slot, or one with parked slices only, names the slice it had last.
                slots[$0].phase != .idle && slots[$0].phase != .parked && slots[$0].step == step
                    && slots[$0].slice.index == slice
            }
            slices[slice].holders[place].isOnSlot = !on.isEmpty
            if on.isEmpty ? anyMoved : on.contains(where: { moved[$0] }) {
                slices[slice].holders[place].progress = time
            }
        }
    }

    /// Whether a worker hangs: a slice that it holds has not moved for the hang term.
    ///
    /// A slice with all answers (`isThrough`) that is on no slot while others are parked may be a
    /// result that waits for its sibling: it does not count.
    func hangs(
        _ worker: Incarnation, at time: Moment, term: Duration, isThrough: (Int) -> Bool
    ) -> Bool {
        let mine = slices.indices.flatMap { index in
            slices[index].holders.filter { $0.worker == worker }.map { (index, $0) }
        }
        let hasParked = mine.contains { $0.1.state == .parked }
        return mine.contains { index, holder in
            guard let stale = staleness(of: holder, at: time), stale > term else { return false }
            return holder.isOnSlot || !hasParked || !isThrough(index)
        }
    }
}
