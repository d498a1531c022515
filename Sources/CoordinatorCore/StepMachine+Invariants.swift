import Messages
import Optimizers

// What must hold between two events, for tests: it costs a pass over everything.
extension StepMachine {
    /// The invariants that do not hold now, as sentences; empty in a sound machine.
    public func checkInvariants() -> [String] {
        sessionFaults() + bookFaults() + creditFaults() + orderFaults()
    }

    private func sessionFaults() -> [String] {
        var faults: [String] = []
        for worker in sessions.sorted {
            for id in worker.connections {
                let expected: Standing =
                    id == worker.control ? .control(worker.incarnation) : .bulk(worker.incarnation)
                if sessions.peers[id]?.standing != expected {
                    faults.append("\(id) of worker \(worker.hello.name) is not its own")
                }
            }
            if worker.incarnation.epoch != settings.epoch {
                faults.append("\(worker.incarnation) is of another epoch")
            }
            if worker.replies.waitingCount > requestsMax(of: worker) {
                faults.append("worker \(worker.hello.name) has too many requests waiting")
            }
        }
        for (id, peer) in sessions.peers {
            switch peer.standing {
            case .control(let worker), .bulk(let worker):
                if sessions.workers[worker]?.connections.contains(id) != true {
                    faults.append("\(id) belongs to a worker that is gone")
                }
            case .stranger, .client, .closing: break
            }
        }
        if Set(sessions.sorted.map(\.hello.name)).count != sessions.workers.count {
            faults.append("two workers have one name")
        }
        if sessions.strangers.count > settings.strangersMax {
            faults.append("too many strangers")
        }
        let hosts = sessions.strangers.compactMap { sessions.peers[$0]?.address }
            .map { $0[..<($0.lastIndex(of: ":") ?? $0.endIndex)] }
        if hosts.contains(where: { host in
            hosts.count { $0 == host } > settings.strangersPerAddressMax
        }) {
            faults.append("too many strangers from one address")
        }
        return faults
    }

    /// Every request that waits for its reply stands in exactly one book, and the other way round.
    private func bookFaults() -> [String] {
        var faults: [String] = []
        let booked =
            wishes.map(\.asker) + nodes.offers.map(\.asker) + (step?.exchanges.waiters ?? [])
        if Set(booked).count != booked.count { faults.append("a request waits in two places") }
        for asker in booked
        where sessions.workers[asker.worker]?.replies.isWaiting(asker.request) != true {
            faults.append("a request waits in a book whose worker does not wait")
        }
        let waiting = sessions.sorted.reduce(0) { $0 + $1.replies.waitingCount }
        if waiting != booked.count { faults.append("a request is forgotten") }
        if isOver, waiting > 0 { faults.append("a request waits after the end") }
        for round in step?.exchanges.rounds ?? [] {
            for (slice, waiters) in round.waiters.enumerated()
            where !waiters.isEmpty && step?.leases.slices[slice].isDone == true {
                faults.append("somebody waits for an answer to a slice that is done")
            }
        }
        for slice in step?.leases.slices ?? [] {
            if slice.isDone, !slice.holders.isEmpty { faults.append("a done slice is leased") }
            if slice.isEmpty, slice.attempts > 0 { faults.append("an empty slice was leased") }
            for holder in slice.holders where sessions.workers[holder.worker] == nil {
                faults.append("a lost worker holds a lease")
            }
            if Set(slice.holders.map(\.worker)).count != slice.holders.count {
                faults.append("a worker holds a slice twice")
            }
        }
        return faults
    }

    private func creditFaults() -> [String] {
        var faults: [String] = []
        if nodes.creditsUsed > nodes.creditsMax { faults.append("credits are exceeded") }
        for grant in nodes.grants where sessions.workers[grant.worker] == nil {
            faults.append("a lost worker has a credit")
        }
        let kept = nodes.kept.flatMap { Array($0.slices) }
        if Set(kept).count != kept.count { faults.append("a slice is in two kept nodes") }
        for (slice, state) in (step?.leases.slices ?? []).enumerated() where !state.isEmpty {
            if state.isDone != kept.contains(slice) {
                faults.append("slice \(slice) is done without a kept node, or the other way round")
            }
            if state.isDone != (nodes.results[slice] != nil) {
                faults.append("slice \(slice) is done without a result, or the other way round")
            }
        }
        if phase == .committing, nodes.kept.count != 1 { faults.append("commit of several nodes") }
        return faults
    }

    private func orderFaults() -> [String] {
        var faults: [String] = []
        if committed > settings.steps { faults.append("more steps than the run has") }
        if (checkpoints.newest ?? 0) > committed { faults.append("a checkpoint of the future") }
        if checkpoints.copiesFullSince != nil, phase != .committing {
            faults.append("a commit waits for copies though none is made")
        }
        switch phase {
        case .stepping, .committing:
            if step?.opened.step.index != committed { faults.append("another step is open") }
        case .starting, .opening, .closing, .over:
            if step != nil { faults.append("a step is open that should not be") }
        }
        if case .over(let over) = phase, over.reason == .done {
            if committed < settings.steps { faults.append("done before the last step") }
            if checkpoints.newest != committed { faults.append("done without a checkpoint") }
        }
        if phase == .stepping, pausedBecause == nil,
            wishes.contains(where: {
                choice(for: $0.asker.worker) != nil
            })
        {
            faults.append("somebody waits for a lease while there is one")
        }
        if phase == .stepping, pausedBecause == nil,
            sessions.ready.allSatisfy({ worker in wishes.contains { $0.asker.worker == worker } }),
            sessions.hasReady,
            step?.disputes.open.isEmpty == true,
            step?.leases.slices.indices.contains(where: isFree) == true
        {
            faults.append("all wait for a lease while a slice has no holder")
        }
        return faults
    }

    /// Whether nobody has a slice that somebody who is ready has the data for.
    private func isFree(_ slice: Int) -> Bool {
        guard let entry = step?.leases.slices[slice] else { return false }
        return !entry.isEmpty && !entry.isDone && entry.holders.isEmpty
            && sessions.ready.contains { hasData($0, slice) }
    }
}
