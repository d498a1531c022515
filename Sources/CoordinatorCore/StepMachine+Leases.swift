import Identity
import Messages

// What happens inside the open step, points 2 and 3: leases, and the version that they need
// (design, sections 2.2 and 2.3).
extension StepMachine {
    /// The open step's number while its slices are computed.
    var steppingStep: StepNumber? { phase == .stepping ? step?.opened.step : nil }

    /// Whether steps are being made: an open step, and somebody at work on it.
    var isStepping: Bool {
        phase == .committing || (phase == .stepping && step?.leases.isIdle == false)
    }

    // MARK: 2. Lease

    /// Gives leases to those who wait for one, in the order in which they asked.
    mutating func giveLeases() {
        guard phase == .stepping, pausedBecause == nil else { return }
        var waiting: [Wish] = []
        for wish in wishes where !giveLease(to: wish.asker) { waiting.append(wish) }
        wishes = waiting
    }

    private mutating func giveLease(to asker: Asker) -> Bool {
        guard let open = step else { return false }
        let worker = asker.worker
        if let slice = choice(for: worker) {
            lease(slice, to: asker)
            return true
        }
        let overdue = open.leases.overdueChoice(
            for: worker, at: time, term: settings.leaseTerm, isThrough: open.exchanges.isThrough,
            where: { mayCompute($0, worker) }, hasData: hasData)
        guard let slice = overdue else { return false }
        let holders = open.leases.slices[slice].holders.map { sessions.name(of: $0.worker) }
        note(
            .info,
            "slice \(slice) of step \(open.opened.step) is overdue on \(holders); worker "
                + "\(sessions.name(of: worker)) gets it too")
        lease(slice, to: asker)
        return true
    }

    /// The unleased slice that suits a worker best, or nil.
    func choice(for worker: Incarnation) -> Int? {
        step?.leases.choice(
            for: worker, ready: sessions.ready, at: time, patience: settings.hangTerm,
            where: { mayCompute($0, worker) }, hasData: hasData)
    }

    /// Whether a worker holds the data shards of a slice of the open step.
    func hasData(_ worker: Incarnation, _ slice: Int) -> Bool {
        guard let held = sessions.workers[worker]?.shards else { return true }
        // Who holds some shards alone lacks one of all.
        guard let needed = step?.opened.shards, !needed.isEmpty else { return false }
        return needed[slice].allSatisfy { held.contains($0) }
    }

    private mutating func lease(_ slice: Int, to asker: Asker) {
        guard let opened = step?.opened else { return }
        step?.leases.lease(slice, to: asker.worker, at: time)
        let task = opened.tasks[slice]
        let next = opened.nextTasks.indices.contains(slice) ? [opened.nextTasks[slice]] : []
        // Another data epoch deals the shards anew: who holds some of them may lack the next ones.
        let holdsAll = sessions.workers[asker.worker]?.shards == nil
        let hints = next.filter {
            !$0.samples.isEmpty && (holdsAll || $0.dataEpoch == task.dataEpoch)
        }
        let lease = Lease(
            task: task, version: opened.version, averages: opened.averages, seed: settings.seed,
            hints: hints)
        answer(asker, .reply(.lease(lease)))
    }

    /// A slice comes back: late returns have no effect, errors are counted.
    mutating func take(_ lease: ReturnLease, from asker: Asker) {
        defer { answer(asker, .reply(.accepted)) }
        guard lease.step == steppingStep, let slice = step?.slice(lease.slice),
            step?.leases.release(slice, from: asker.worker, at: time) == true
        else { return }
        nodes.withdraw(slice: slice, from: asker.worker)
        let gone = step?.exchanges.dismiss(slice: slice) { $0.worker == asker.worker } ?? []
        for waiting in gone { refuse(waiting, .leaseGone, "slice \(slice) was handed back") }
        let name = sessions.name(of: asker.worker)
        let what = "slice \(slice) of step \(lease.step)"
        switch lease.reason {
        case .failed: countFailure(of: slice, on: asker.worker, lease.detail)
        case .drain: note(.info, "worker \(name) drains and hands back \(what)")
        case .abandoned: note(.debug, "worker \(name) has abandoned \(what)")
        }
    }

    /// Notes an error of a slice; the third one pauses the run.
    mutating func countFailure(of slice: Int, on worker: Incarnation, _ detail: String) {
        guard let number = step?.opened.step,
            let count = step?.leases.fail(slice, on: worker)
        else { return }
        let text =
            "slice \(slice) of step \(number) failed on worker \(sessions.name(of: worker)), "
            + "\(count) of \(LeaseBook.failuresMax) times: \(detail)"
        note(.warning, text)
        guard count >= LeaseBook.failuresMax else { return }
        pause(because: text, "mend the cause and start the coordinator again")
    }

    // MARK: 3. Forward

    /// The open step's version is sent, or its averages; any other is gone, or not there yet.
    mutating func take(_ version: FetchVersion, from asker: Asker) {
        guard version.step == steppingStep, step?.opened.names(version.digest) == true else {
            refuse(asker, .versionGone, "step \(version.step), \(version.digest.shortHex)")
            return
        }
        let since = time
        sessions.update(asker.worker) { $0.fetch = (version.step, since) }
        answer(asker, .version(version))
    }
}
