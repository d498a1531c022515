import Messages
import Optimizers

// Every wait by name, and what ends it (design, section 3, *No hang*).
extension StepMachine {
    /// How long a worker gives a version to travel (PROTOCOL.md, *Time*).
    private static let versionTerm = Duration.seconds(120)

    /// Every wait, longest first.
    func waits(at time: Moment) -> [Wait] {
        let waits =
            phaseWaits(at: time) + workerWaits(at: time) + stepWaits(at: time)
            + disputeWaits(at: time)
        return waits.enumerated().sorted {
            ($1.element.sinceSeconds, $0.offset) < ($0.element.sinceSeconds, $1.offset)
        }.map(\.element)
    }

    /// A wait of a moment's view.
    func wait(
        _ kind: WaitKind, _ what: String, on who: String, since: Moment, at time: Moment,
        until deadline: Moment? = nil, next: String
    ) -> Wait {
        Wait(
            kind: kind, what: what, who: who, sinceSeconds: seconds(time - since),
            deadlineSeconds: deadline.map { seconds($0 - time) }, next: next)
    }

    // MARK: The run

    private func phaseWaits(at time: Moment) -> [Wait] {
        var waits: [Wait] = []
        let since = phaseSince
        switch phase {
        case .starting:
            waits.append(
                wait(
                    .preparation, "labels and state", on: "coordinator", since: since, at: time,
                    next: "the first step opens once they are there; status shows how far it is"))
        case .opening:
            waits.append(
                wait(
                    .opening, "opening of step \(committed)", on: "coordinator", since: since,
                    at: time, next: "its slices are leased to who asks"))
        case .committing:
            waits.append(
                wait(
                    .commit, "commit of step \(committed)", on: "coordinator", since: since,
                    at: time,
                    next: "once its record is on disk step \(committed + 1) opens; a disk that "
                        + "fails ends the run"))
        case .closing:
            waits.append(
                wait(
                    .checkpoint, "the last checkpoint", on: "coordinator", since: since,
                    at: time, next: "the run is over once it is on disk"))
        case .stepping, .over: break
        }
        if let since = checkpoints.copiesFullSince {
            let writing = checkpoints.inFlight.map { "the checkpoint of \($0) steps" }
            waits.append(
                wait(
                    .copies,
                    "room for copies of table rows that \(writing ?? "the checkpoint") has not "
                        + "written yet, for the commit of step \(committed)",
                    on: "coordinator", since: since, at: time,
                    next: "the commit goes on as rows reach the disk; with a greater "
                        + "checkpoint.copyBudget it waits less"))
        }
        if let inFlight = checkpoints.inFlight {
            waits.append(
                wait(
                    .checkpoint, "checkpoint of \(inFlight) steps", on: "coordinator",
                    since: checkpoints.since, at: time,
                    next: "steps go on meanwhile; a kill before its end costs the steps since "
                        + "the one of \(checkpoints.newest ?? 0)"))
        }
        if let pausedBecause, let pausedSince, !isOver {
            waits.append(
                wait(
                    .paused, "the run is paused: \(pausedBecause)", on: "operator",
                    since: pausedSince, at: time,
                    next: "nothing by itself; mend the cause, stop the coordinator (it writes a "
                        + "checkpoint) and start it again"))
        }
        if let stop, phase == .stepping {
            waits.append(
                wait(
                    .stop, "the end of step \(committed), then of the run", on: "coordinator",
                    since: stop.since, at: time,
                    next: "a checkpoint after the step; told again it gives the step up"))
        }
        return waits
    }

    // MARK: Workers

    private func workerWaits(at time: Moment) -> [Wait] {
        guard !isOver else { return [] }
        var waits: [Wait] = []
        if phase != .starting, !sessions.hasReady {
            let last = sessions.former.values.max { $0.seen < $1.seen }
            let gone = last.map { last in
                ", since worker \(last.hello.name) is \(last.hasLeft ? "gone" : "lost")"
                    + " (\(last.end))"
            }
            waits.append(
                wait(
                    .noWorker, "a worker that is ready" + (gone ?? ""), on: "nobody",
                    since: max(last?.seen ?? phaseSince, phaseSince), at: time,
                    next: "the run goes on where it stands once a worker joins"))
        }
        for worker in sessions.sorted where !worker.isReady {
            waits.append(
                wait(
                    .joining, "readiness", on: "worker \(worker.hello.name)", since: worker.since,
                    at: time, until: worker.seen + settings.hangTerm,
                    next: "it takes leases once its data are loaded; if it is silent until then "
                        + "it is lost"))
        }
        for worker in sessions.sorted {
            guard let fetch = worker.fetch, fetch.step == step?.opened.step else { continue }
            waits.append(
                wait(
                    .version, "version of step \(fetch.step) on its way",
                    on: "worker \(worker.hello.name)", since: fetch.since, at: time,
                    until: fetch.since + Self.versionTerm,
                    next: "its slices run forward; without it until then the worker joins anew"))
        }
        for (name, entry) in quarantine.sorted(by: { $0.key < $1.key }) {
            waits.append(
                wait(
                    .quarantine, entry.reason, on: "worker \(name)", since: entry.since, at: time,
                    next: "it is refused until the coordinator starts again"))
        }
        return waits
    }

    // MARK: Disputes

    private func disputeWaits(at time: Moment) -> [Wait] {
        guard phase == .stepping, let open = step else { return [] }
        return open.disputes.open.map { dispute in
            let others = dispute.workers.joined(separator: " and ")
            let holders = open.leases.slices[dispute.slice].holders
                .map { sessions.name(of: $0.worker) }.filter { !dispute.workers.contains($0) }
            let who =
                holders.isEmpty
                ? dispute.mayRepeat ? "workers \(others)" : "a worker other than \(others)"
                : "worker \(holders.joined(separator: " and "))"
            let next =
                dispute.mayRepeat
                ? "if both insist, or one computes no more, the run pauses"
                : "equal bits of two workers settle it; if nobody else takes the slice until "
                    + "then, it is computed again by the same"
            return wait(
                .dispute, "a second opinion: \(sentence(dispute))", on: who, since: dispute.since,
                at: time, until: deadline(of: dispute, open), next: next)
        }
    }

    /// When the coordinator does something about a dispute that nobody brings further.
    private func deadline(of dispute: Dispute, _ open: OpenStep) -> Moment? {
        guard let lonely = dispute.lonelySince else { return nil }
        guard dispute.mayRepeat else { return lonely + settings.disputeTerm }
        let slice = open.leases.slices[dispute.slice]
        guard dispute.isAtOdds, slice.holders.isEmpty else { return nil }
        return max(lonely + settings.disputeTerm * 2, slice.idleSince + settings.hangTerm)
    }
}
