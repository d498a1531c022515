import Messages

/// When checkpoints are due: by the time in which steps were made, never two at a time.
struct CheckpointOrder: Hashable, Sendable {
    /// Committed steps in the newest whole checkpoint.
    var newest: Int?
    /// Committed steps in the one that is being written.
    var inFlight: Int?
    /// Since when it is.
    var since = Moment(nanoseconds: 0)
    /// Since when a commit waits for room to copy what the one in flight has not taken; nil if none
    /// does.
    var copiesFullSince: Moment?
    /// Time of stepping since the last one was begun.
    private(set) var stepping = Duration.zero

    /// Time passes.
    mutating func pass(_ time: Duration, isStepping: Bool) {
        if isStepping { stepping += time }
    }

    /// Whether one is due now.
    func isDue(every period: Duration) -> Bool { inFlight == nil && stepping >= period }

    /// One is begun.
    mutating func begin(_ committed: Int, at time: Moment) {
        precondition(inFlight == nil, "one checkpoint at a time")
        inFlight = committed
        since = time
        stepping = .zero
    }

    /// It is on disk.
    mutating func end(_ committed: Int) {
        newest = max(committed, newest ?? 0)
        if inFlight == committed { inFlight = nil }
    }
}

/// The operator's wish to end.
struct StopWish: Hashable, Sendable {
    /// Why.
    var why: String
    /// Since when.
    var since: Moment
    /// Whether it was said again: then the open step is given up.
    var isUrgent = false
}

// From start to end: recovery, the order of commits and checkpoints, stop and failure
// (design, section 2.7 and section 3, *Nothing lost*).
extension StepMachine {
    /// Whether the run is over.
    var isOver: Bool { if case .over = phase { true } else { false } }

    // MARK: 1. Open

    /// The state is there, with so many committed steps.
    ///
    /// If the ledger holds more, they are made again, and the
    /// shell compares each with its record at its commit.
    mutating func prepare(committed: Int, recorded: Int) {
        guard phase == .starting else { return }
        precondition(recorded >= committed, "the ledger holds all steps of a checkpoint")
        self.committed = settings.flaw == .startsBehindLedger ? recorded : committed
        self.recorded = recorded
        if committed > 0 { checkpoints.newest = committed }
        if recorded > committed {
            note(.info, "steps \(committed) to \(recorded - 1) are made again and compared")
        }
        goOn()
    }

    /// After a commit, or at the start: the next step, or the end.
    private mutating func goOn() {
        if let stop {
            close(RunOver(reason: .closing, detail: stop.why))
        } else if committed >= settings.steps {
            close(RunOver(reason: .done, detail: "all \(settings.steps) steps are made"))
        } else {
            if checkpoints.isDue(every: settings.checkpointEvery) { checkpoint() }
            enter(.opening)
            effects.append(.openStep(StepNumber(committed)))
        }
    }

    /// The shell has opened the step: its slices can be leased.
    mutating func begin(_ opened: OpenedStep) {
        guard phase == .opening, opened.step.index == committed else { return }
        precondition(opened.tasks.count == settings.slices, "a step has a task for every slice")
        let previous = previousHolders.map { $0.flatMap { sessions.workers[$0]?.incarnation } }
        let open = OpenStep(opened, groups: settings.groups, previous: previous, at: time)
        nodes.begin(opened.step, tree: open.tree)
        step = open
        enter(.stepping)
    }

    // MARK: 7. Commit

    /// Every slice is in.
    mutating func commit() {
        guard let open = step else { return }
        let accounts = nodes.results.indices.compactMap { slice in
            nodes.results[slice].map { result in
                SliceAccount(
                    leaf: result.leaf, attempts: open.leases.slices[slice].attempts,
                    worker: result.worker)
            }
        }
        enter(.committing)
        effects.append(.commit(open.opened.step, accounts))
        if settings.flaw == .endsStepEarly { endStep(open.opened.step) }
    }

    /// The step is in the ledger.
    mutating func endStep(_ number: StepNumber) {
        guard phase == .committing, number.index == committed else { return }
        committed += 1
        closeBooks(.leaseGone, "step \(number) is committed")
        goOn()
    }

    /// Forgets the open step and answers who waits for something in it.
    mutating func closeBooks(_ code: ErrorCode, _ detail: String) {
        for asker in nodes.end() { answer(asker, .reply(.verdict(.drop))) }
        for asker in step?.exchanges.dismissAll() ?? [] { refuse(asker, code, detail) }
        previousHolders = step?.leases.lastHolders ?? previousHolders
        step = nil
    }

    // MARK: Checkpoints

    private mutating func checkpoint() {
        checkpoints.begin(committed, at: time)
        effects.append(.checkpoint(committed: StepNumber(committed)))
    }

    /// The commit waits for room for copies, or has it.
    mutating func noteCopies(_ isFull: Bool) {
        // What comes late is of a commit that is over.
        let isWaiting = isFull && phase == .committing
        checkpoints.copiesFullSince = isWaiting ? checkpoints.copiesFullSince ?? time : nil
    }

    mutating func endCheckpoint(_ committed: Int) {
        checkpoints.end(committed)
        if case .closing(let over) = phase { finishOnceSaved(over) }
    }

    // MARK: End

    /// No step follows: the state goes to disk, then the run is over.
    private mutating func close(_ over: RunOver) {
        enter(.closing(over))
        finishOnceSaved(over)
    }

    private mutating func finishOnceSaved(_ over: RunOver) {
        guard checkpoints.inFlight == nil else { return }
        let isSaved = checkpoints.newest == committed || settings.flaw == .doneWithoutCheckpoint
        if isSaved { finish(over) } else { checkpoint() }
    }

    /// The run is over: workers hear it first, then whoever waits gets a reply.
    private mutating func finish(_ over: RunOver) {
        enter(.over(over))
        for worker in sessions.sorted { effects.append(.push(worker.control, .over(over))) }
        let code: ErrorCode = over.reason == .failed ? .runFailed : .closing
        for wish in wishes { refuse(wish.asker, code, over.detail) }
        wishes = []
        closeBooks(code, over.detail)
        effects.append(.over(over))
        note(over.reason == .failed ? .warning : .info, "the run is over: \(over.detail)")
    }

    /// An effect failed for good.
    mutating func fail(_ why: String) {
        guard !isOver else {
            note(.warning, "after the end of the run: \(why)")
            return
        }
        finish(RunOver(reason: .failed, detail: why))
    }

    /// The operator wants an end: after the open step, or, said twice, without it.
    mutating func requestStop(_ why: String) {
        switch phase {
        case .closing, .over: return
        case .starting: finish(RunOver(reason: .closing, detail: why))
        case .opening, .stepping, .committing:
            stop = StopWish(
                why: stop?.why ?? why, since: stop?.since ?? time, isUrgent: stop != nil)
            note(.info, "the run ends with step \(committed): \(why)")
        }
    }

    /// A step that nobody can end is given up if the run is to stop.
    mutating func abandonIfStopped() {
        guard let stop, phase == .stepping, let open = step,
            stop.isUrgent || pausedBecause != nil || !sessions.hasReady
        else { return }
        note(.info, "step \(open.opened.step) is given up")
        for (slice, state) in open.leases.slices.enumerated() {
            for holder in state.holders {
                guard let control = sessions.workers[holder.worker]?.control else { continue }
                let abandon = Push.abandon(open.opened.step, SliceNumber(slice))
                effects.append(.push(control, abandon))
            }
        }
        closeBooks(.closing, stop.why)
        close(RunOver(reason: .closing, detail: stop.why))
    }
}
