import Messages
import Optimizers

// What the open step waits for, and which of it holds the run up.
extension StepMachine {
    /// Slices, answers and credits of the open step.
    func stepWaits(at time: Moment) -> [Wait] {
        guard phase == .stepping, let open = step else { return [] }
        let offers = nodes.offers.map { offer in
            wait(
                .credit, "credit for node \(offer.node)", on: "coordinator", since: offer.since,
                at: time,
                next: "\(nodes.creditsUsed) of \(nodes.creditsMax) nodes are kept or on their "
                    + "way; the next one that is added up makes room")
        }
        return shardWaits(open, at: time) + sliceWaits(open, at: time)
            + groupWaits(open, at: time) + offers
    }

    // MARK: Data shards

    /// Shards that nobody holds and without which slices that are not in have to wait.
    private func shardWaits(_ open: OpenStep, at time: Moment) -> [Wait] {
        guard sessions.hasReady, let held = shardsHeld else { return [] }
        let needed = open.opened.shards
        // Where each slice needs all shards, each lacks the same ones.
        let lackingOfAll =
            needed.isEmpty
            ? (0..<UInt32(settings.shardCount)).filter { !held.contains($0) } : []
        var missing = Set(lackingOfAll)
        var slices: [Int] = []
        var since = time
        for (index, slice) in open.leases.slices.enumerated()
        where slice.holders.isEmpty && !slice.isEmpty && !slice.isDone {
            let lacking =
                needed.isEmpty ? lackingOfAll : needed[index].filter { !held.contains($0) }
            guard !lacking.isEmpty else { continue }
            if !needed.isEmpty { missing.formUnion(lacking) }
            slices.append(index)
            since = min(since, slice.idleSince)
        }
        guard !slices.isEmpty else { return [] }
        return [
            wait(
                .shard, "data shards \(runs(of: missing.sorted())), for slices \(slices)",
                on: "a worker that holds them", since: since, at: time,
                next: "the run goes on once workers join with them (worker --shards)")
        ]
    }

    /// The shards that workers that are ready hold together; nil if one of them holds all.
    private var shardsHeld: Set<UInt32>? {
        var held: Set<UInt32> = []
        for worker in sessions.workers.values where worker.isReady {
            guard let own = worker.shards else { return nil }
            held.formUnion(own)
        }
        return held
    }

    /// Rising numbers in words: `0-3, 7`; of many the first.
    private func runs(of numbers: [UInt32]) -> String {
        var runs: [ClosedRange<UInt32>] = []
        for number in numbers {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        let words = runs.prefix(8).map { run in
            run.count == 1 ? "\(run.lowerBound)" : "\(run.lowerBound)-\(run.upperBound)"
        }
        return words.joined(separator: ", ") + (runs.count > 8 ? ", ..." : "")
    }

    // MARK: Slices

    /// Slices of the open step that are not in.
    private func sliceWaits(_ open: OpenStep, at time: Moment) -> [Wait] {
        open.leases.slices.enumerated().flatMap { index, slice -> [Wait] in
            guard !slice.isEmpty, !slice.isDone else { return [] }
            guard slice.holders.isEmpty else {
                return slice.holders.map { sliceWait(index, slice, $0, open, at: time) }
            }
            let isOperators = pausedBecause != nil
            return [
                wait(
                    .lease, name(index, slice), on: isOperators ? "operator" : "an idle worker",
                    since: slice.idleSince, at: time,
                    next: isOperators
                        ? "nothing is leased while the run is paused"
                        : "the next slot that asks, has its data and may compute it gets it")
            ]
        }
    }

    private func name(_ index: Int, _ slice: LeaseBook.Slice) -> String {
        let losses = slice.losses == 0 ? "" : ", lost \(slice.losses) times with its worker"
        return "slice \(index) of step \(committed)\(losses)"
    }

    /// A slice that a worker holds: what it does, and when somebody else gets it.
    private func sliceWait(
        _ index: Int, _ slice: LeaseBook.Slice, _ holder: Holder, _ open: OpenStep,
        at time: Moment
    ) -> Wait {
        let who = "worker \(sessions.name(of: holder.worker))"
        func wait(_ kind: WaitKind, _ detail: String, until: Moment?, _ next: String) -> Wait {
            self.wait(
                kind, name(index, slice) + detail, on: who, since: holder.since, at: time,
                until: until, next: next)
        }
        switch holder.state {
        case .parked:
            return wait(.exchange, ", parked", until: nil, "it goes on once its group is answered")
        case .offered:
            return wait(.credit, ", computed", until: nil, "its node is sent once it has a credit")
        case .working, .delivering: break
        }
        let seen = sessions.workers[holder.worker]?.seen ?? time
        if time - seen > settings.leaseTerm / 2 {
            return wait(
                .slice, ", silent for \(tenths(time - seen)) s", until: seen + settings.leaseTerm,
                "the worker is lost then, and other workers get its slices")
        }
        let (kind, doing, allowance): (WaitKind, String, Duration) =
            switch holder.state {
            case .delivering(let allowance): (.delivery, ", on its way", allowance)
            default: (.slice, phase(of: index, on: holder), .zero)
            }
        let stale = open.leases.staleness(of: holder, at: time) ?? .zero
        guard stale > settings.leaseTerm else {
            return wait(
                kind, doing, until: holder.progress + allowance + settings.leaseTerm,
                "if it does not move until then an idle worker gets it, too")
        }
        return wait(
            kind, "\(doing), stands still for \(tenths(stale)) s",
            until: holder.progress + allowance + settings.hangTerm,
            "an idle worker gets it, too, and the first result counts; its worker is lost then")
    }

    /// What the slot does that is on a slice.
    private func phase(of slice: Int, on holder: Holder) -> String {
        guard let slots = sessions.workers[holder.worker]?.slots else { return "" }
        let slot = slots.first { slot in
            slot.phase != .idle && slot.phase != .parked && slot.slice.index == slice
                && slot.step == step?.opened.step
        }
        return slot.map { ", \($0.phase)" } ?? ""
    }

    // MARK: Answers

    /// Answer groups that somebody waits for.
    private func groupWaits(_ open: OpenStep, at time: Moment) -> [Wait] {
        open.exchanges.rounds.enumerated().flatMap { index, round in
            round.states.enumerated().compactMap { group, state -> Wait? in
                let slices = round.groups[group]
                let what =
                    "answer to slices \(slices) in round \(settings.rounds[index]) of step "
                    + "\(open.opened.step)"
                switch state {
                case .answered: return nil
                case .asked(let asked):
                    return wait(
                        .answer, what, on: "coordinator", since: asked, at: time,
                        next: "slices go on once it is computed")
                case .open:
                    let since = slices.flatMap { round.waiters[$0].map(\.since) }.min()
                    guard let since else { return nil }
                    let missing = open.exchanges.missing(in: group, round: index)
                    return wait(
                        .answer, what, on: "slices \(missing)", since: since, at: time,
                        next: "it is computed once their inputs are in")
                }
            }
        }
    }

    // MARK: What holds the run up

    /// The wait that holds the run up: what nobody else can make up for.
    ///
    /// A pause, a phase of the coordinator, no worker at all, a dispute; else the slice whose
    /// worker is silent or stands still for longest; else the one that was leased first.
    func critical(of waits: [Wait], at time: Moment) -> Wait? {
        guard !isOver else { return nil }
        let kinds: [WaitKind] = [
            .paused, .preparation, .opening, .copies, .commit, .noWorker, .dispute,
        ]
        for kind in kinds {
            if let wait = waits.first(where: { $0.kind == kind }) { return wait }
        }
        if case .closing = phase { return waits.first { $0.kind == .checkpoint } }
        guard let open = step else { return nil }
        var best: (rank: Int, length: Duration, wait: Wait)?
        for (index, slice) in open.leases.slices.enumerated() {
            for holder in slice.holders where holder.state != .parked && holder.state != .offered {
                let seen = sessions.workers[holder.worker]?.seen ?? time
                let stale = max(
                    open.leases.staleness(of: holder, at: time) ?? .zero, time - seen)
                let isStale = stale > settings.leaseTerm / 2
                let rank = isStale ? 1 : 0
                let length = isStale ? stale : time - holder.since
                if best.map({ ($0.rank, $0.length) < (rank, length) }) ?? true {
                    let wait = sliceWait(index, slice, holder, open, at: time)
                    best = (rank, length, paced(wait, on: holder.worker))
                }
            }
        }
        return best?.wait ?? waits.first { $0.kind == .answer && $0.who == "coordinator" }
            ?? waits.first { $0.kind == .shard } ?? waits.first { $0.kind == .lease }
            ?? waits.first { $0.kind == .credit }
    }

    /// A slice's wait, with what a slice takes its worker and the quickest one.
    private func paced(_ wait: Wait, on worker: Incarnation) -> Wait {
        let own = sessions.workers[worker]?.sliceSeconds
        let best = sessions.sorted.compactMap(\.sliceSeconds).min()
        guard let own, let best, own > 2 * best else { return wait }
        var paced = wait
        paced.what +=
            "; a slice takes this worker \(tenths(.seconds(own))) s, the quickest "
            + "\(tenths(.seconds(best))) s"
        return paced
    }

    private func tenths(_ duration: Duration) -> Double { (seconds(duration) * 10).rounded() / 10 }
}
