import Identity
import Messages
import Optimizers

/// A worker that was found faulty: it gets no more leases in this epoch.
struct Quarantine: Hashable, Sendable {
    /// What it did.
    var reason: String
    /// Since when.
    var since: Moment
}

// Faults that are not deaths: results that are not finite, and bits that differ (design, section 2,
// last part).
extension StepMachine {
    /// Whether a worker may get a slice, as far as disputes go.
    func mayCompute(_ slice: Int, _ worker: Incarnation) -> Bool {
        guard let disputes = step?.disputes, !disputes.open.isEmpty else { return true }
        return disputes.mayCompute(slice, sessions.name(of: worker))
    }

    /// Whether a worker's offer of these slices is news, as far as disputes go: it may have to say
    /// something about them, and has not said just that in an earlier life.
    mutating func isNews(_ slices: [Int], from worker: Incarnation) -> Bool {
        let name = sessions.name(of: worker)
        var isNews = true
        for slice in slices {
            if step?.disputes.mayCompute(slice, name) == false { isNews = false }
            if step?.disputes.mayBeHeard(slice, from: name, worker) == true { isNews = false }
        }
        return isNews
    }

    // MARK: What workers say

    /// A slice's input to a round: whether it counts.
    ///
    /// If it does not, the request is answered, and the sender's lease is gone.
    mutating func judge(_ input: Exchange, slice: Int, round: Int, from asker: Asker) -> Bool {
        let first = step?.exchanges.rounds[round].inputs[slice].map {
            Claim(worker: $0.worker, life: $0.life, digest: $0.digest)
        }
        let claim = Claim(
            worker: sessions.name(of: asker.worker), life: asker.worker, digest: input.digest)
        let hearing = hear(
            claim, slice: slice, subject: .input(round: round), first: first,
            from: asker.worker)
        if hearing.stands, first.map({ $0.digest == input.digest }) ?? true {
            condemn(hearing.faulty.map { ($0, slice) })
            return phase == .stepping
        }
        step?.leases.release(slice, from: asker.worker, at: time)
        refuse(asker, .resultDiffers, disputed(slice, .input(round: round)))
        condemn(hearing.faulty.map { ($0, slice) })
        return false
    }

    /// The leaves of a node: whether all of them count, and who is faulty.
    mutating func judge(
        _ leaves: [Leaf], from worker: Incarnation
    ) -> (stands: Bool, faulty: [(worker: String, slice: Int)]) {
        var result: (stands: Bool, faulty: [(worker: String, slice: Int)]) = (true, [])
        for leaf in leaves {
            let slice = leaf.slice.index
            let first = nodes.results[slice].map {
                Claim(
                    worker: $0.worker, life: $0.life, digest: $0.leaf.digest,
                    isFinite: $0.leaf.isFinite)
            }
            let claim = Claim(
                worker: sessions.name(of: worker), life: worker, digest: leaf.digest,
                isFinite: leaf.isFinite)
            let hearing = hear(claim, slice: slice, subject: .result, first: first, from: worker)
            result.faulty += hearing.faulty.map { ($0, slice) }
            if !hearing.stands || step?.disputes.isOpen(slice) == true { result.stands = false }
        }
        return result
    }

    private mutating func hear(
        _ claim: Claim, slice: Int, subject: DisputeSubject, first: Claim?,
        from worker: Incarnation
    ) -> Hearing {
        guard
            let hearing = step?.disputes.hear(
                claim, slice: slice, subject: subject, first: first, at: time)
        else { return Hearing(stands: false) }
        let what = "\(name(of: subject)) of slice \(slice) of step \(committed)"
        if hearing.isNew || !hearing.faulty.isEmpty { doubt() }
        if hearing.isNew {
            note(.warning, "\(disputed(slice, subject)); another worker computes it again")
            withdraw(slice, besides: worker)
        }
        guard let settlement = hearing.settlement else { return hearing }
        let agreed = settlement.agreed.joined(separator: " and ")
        if settlement.agreed.count == 1 {
            note(.warning, "the \(what) of worker \(agreed) counts on its word alone")
        } else if settlement.claim.isFinite {
            note(.info, "the \(what) is the same on workers \(agreed)")
        } else {
            note(.warning, "the \(what) is not finite on workers \(agreed) alike: it is genuine")
        }
        return hearing
    }

    /// What workers hold of this opening may be wrong, and is in doubt only as long as somebody
    /// remembers: a start of the coordinator that knew nothing of it would take it for the first
    /// result of its slice.
    private mutating func doubt() {
        guard let open = step, !open.isInDoubt else { return }
        step?.isInDoubt = true
        effects.append(.doubt(open.opened.step))
    }

    /// What is disputed about a slice, as a sentence that names the workers.
    private func disputed(_ slice: Int, _ subject: DisputeSubject) -> String {
        let what = "the \(name(of: subject)) of slice \(slice) of step \(committed)"
        let dispute = step?.disputes.open.first { $0.slice == slice && $0.subject == subject }
        guard let dispute else { return "\(what) is not what other workers computed" }
        return sentence(dispute)
    }

    /// A dispute as a sentence.
    func sentence(_ dispute: Dispute) -> String {
        let what = "the \(name(of: dispute.subject)) of slice \(dispute.slice) of step \(committed)"
        let workers = dispute.workers.joined(separator: " and ")
        return dispute.isAtOdds
            ? "\(what) differs between workers \(workers)"
            : "\(what) is not finite on worker \(workers)"
    }

    private func name(of subject: DisputeSubject) -> String {
        switch subject {
        case .result: "result"
        case .input(let round): "input to round \(settings.rounds[round])"
        }
    }

    /// What is in of a slice counts no more: its node is dropped, the other slices of that node are
    /// computed again, and workers that have said what they compute need not go on; the one that
    /// speaks is told in its reply.
    private mutating func withdraw(_ slice: Int, besides worker: Incarnation) {
        guard let number = step?.opened.step else { return }
        if let node = nodes.discard(slice) {
            effects.append(.dropNode(number, SliceRange(node)))
            for slice in node.slices { step?.leases.reopen(slice, at: time) }
        }
        for holder in step?.leases.slices[slice].holders.map(\.worker) ?? []
        where holder != worker && !mayCompute(slice, holder) {
            step?.leases.release(slice, from: holder, at: time)
            let gone = step?.exchanges.dismiss(slice: slice) { $0.worker == holder } ?? []
            for asker in gone { refuse(asker, .leaseGone, disputed(slice, .result)) }
            if let control = sessions.workers[holder]?.control {
                effects.append(.push(control, .abandon(number, SliceNumber(slice))))
            }
        }
    }

    // MARK: Faulty workers

    /// Workers are faulty: nothing of them counts in the open step, and they get no more leases.
    ///
    /// A step in which something of them is in already is made again from its opening, under
    /// another name of its version and by new lives of all workers, so that nothing that was
    /// computed from it can count.
    mutating func condemn(_ faulty: [(worker: String, slice: Int)]) {
        guard !faulty.isEmpty, let open = step else { return }
        let isIn = faulty.contains { name, _ in
            nodes.results.contains { $0?.worker == name }
                || open.exchanges.rounds.contains { $0.inputs.contains { $0?.worker == name } }
        }
        for (name, slice) in faulty where quarantine[name] == nil {
            let reason =
                "silent corruption found: worker \(name) computed wrong bits for slice \(slice) "
                + "of step \(open.opened.step)"
            quarantine[name] = Quarantine(reason: reason, since: time)
            note(
                .warning,
                "\(reason); it gets no more leases, and what it delivered before this "
                    + "step stands in the ledger under its name")
            step?.disputes.dismiss(name)
            if let worker = sessions.worker(named: name) {
                end(worker.incarnation, hasLeft: false, why: "it is in quarantine")
            }
        }
        if isIn { makeAgain() }
    }

    private mutating func makeAgain() {
        guard let number = step?.opened.step else { return }
        note(.warning, "step \(number) is made again without what came from a faulty worker")
        for worker in sessions.incarnations {
            end(worker, hasLeft: false, why: "step \(number) is made again")
        }
        closeBooks(.leaseGone, "step \(number) is made again")
        enter(.opening)
        effects.append(.openStep(number))
    }

    // MARK: Time

    /// Where nobody else came in time workers compute again what they computed; where that settles
    /// nothing the run pauses.
    mutating func lookAtDisputes() {
        guard phase == .stepping, step?.disputes.open.isEmpty == false else { return }
        guard let slices = step?.leases.slices else { return }
        let names = sessions
        let late =
            step?.disputes.look(
                holders: { slices[$0].holders.map { names.name(of: $0.worker) } }, at: time,
                term: settings.disputeTerm) ?? []
        for dispute in late {
            note(
                .warning,
                "\(sentence(dispute)), and no other worker took it within \(settings.disputeTerm): "
                    + "it is computed again by the same")
        }
        let ready = sessions.ready.map { sessions.name(of: $0) }
        let stuck = step?.disputes.stuck(
            ready: ready,
            idleSince: { slices[$0].holders.isEmpty ? slices[$0].idleSince : nil }, at: time,
            term: settings.disputeTerm, patience: settings.hangTerm)
        guard let stuck = stuck?.first else { return }
        pause(
            because: "\(sentence(stuck)), each as often as it was computed, and no other worker "
                + "computes it: check the memory and processor of both",
            "join another worker and start the coordinator again")
    }
}
