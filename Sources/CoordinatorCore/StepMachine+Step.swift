import Identity
import Messages
import Optimizers

// What happens inside the open step: leases, exchanges, gradient nodes (design, sections 2.2 to
// 2.6).
extension StepMachine {
    /// Rate that a transfer of a node is allowed to fall to before it counts as stuck.
    private static let transferBytesPerSecondMin: UInt64 = 1 << 20

    /// The open step's number while its slices are computed.
    private var steppingStep: StepNumber? { phase == .stepping ? step?.opened.step : nil }

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
        if let slice = open.leases.choice(for: worker, ready: sessions.ready) {
            lease(slice, to: asker)
            return true
        }
        let overdue = open.leases.overdueChoice(
            for: worker, at: time, term: settings.leaseTerm, isThrough: open.exchanges.isThrough)
        guard let slice = overdue else { return false }
        let holders = open.leases.slices[slice].holders.map { sessions.name(of: $0.worker) }
        note(
            .info,
            "slice \(slice) of step \(open.opened.step) is overdue on \(holders); worker "
                + "\(sessions.name(of: worker)) gets it too")
        lease(slice, to: asker)
        return true
    }

    private mutating func lease(_ slice: Int, to asker: Asker) {
        guard let opened = step?.opened else { return }
        step?.leases.lease(slice, to: asker.worker, at: time)
        let next = opened.nextTasks.indices.contains(slice) ? [opened.nextTasks[slice]] : []
        let lease = Lease(
            task: opened.tasks[slice], version: opened.version, seed: settings.seed,
            hints: next.filter { !$0.samples.isEmpty })
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
    private mutating func countFailure(of slice: Int, on worker: Incarnation, _ detail: String) {
        guard let number = step?.opened.step,
            let count = step?.leases.fail(slice, on: worker)
        else { return }
        let text =
            "slice \(slice) of step \(number) failed on worker \(sessions.name(of: worker)), "
            + "\(count) of \(LeaseBook.failuresMax) times: \(detail)"
        note(.warning, text)
        guard count >= LeaseBook.failuresMax, pausedBecause == nil else { return }
        pausedBecause = text
        note(.warning, "the run is paused; mend the cause and start the coordinator again")
    }

    // MARK: 3. Forward

    /// The open step's version is sent; any other is gone, or not there yet.
    mutating func take(_ version: FetchVersion, from asker: Asker) {
        guard version.step == steppingStep, version.digest == step?.opened.version else {
            refuse(asker, .versionGone, "step \(version.step), \(version.digest.shortHex)")
            return
        }
        answer(asker, .version(version))
    }

    // MARK: 4. Exchange

    /// An input: the first one counts, a repeated one must be the same; the answer comes when the
    /// slice's group is answered, or at once if it is.
    mutating func take(_ input: Exchange, _ key: StagedKey, from asker: Asker) {
        guard input.step == steppingStep, let open = step else {
            effects.append(.dropStaged(key))
            refuse(asker, .leaseGone, "step \(input.step) is not open")
            return
        }
        let round = Int(input.round)
        if let refusal = objection(to: input, round: round, of: asker.worker, in: open) {
            effects.append(.dropStaged(key))
            answer(asker, .reply(.refused(refusal)))
            return
        }
        let slice = input.slice.index
        let name = sessions.name(of: asker.worker)
        switch step?.exchanges.take(slice: slice, round: round, digest: input.digest, from: name) {
        case .kept:
            effects.append(.keepInput(key, input.step, input.slice, round: round))
        case .repeated, nil:
            effects.append(.dropStaged(key))
        case .differs(let first):
            effects.append(.dropStaged(key))
            let detail =
                "input of slice \(slice) to round \(settings.rounds[round]) of step "
                + "\(input.step): worker \(name)'s differs from worker \(first)'s"
            step?.leases.release(slice, from: asker.worker, at: time)
            refuse(asker, .resultDiffers, detail)
            countFailure(of: slice, on: asker.worker, detail)
            return
        }
        if open.exchanges.state(of: slice, round: round) == .answered {
            step?.leases.move(slice, of: asker.worker, to: .working, at: time)
            answer(asker, .exchange(ExchangeAnswer(to: input)))
            return
        }
        step?.exchanges.wait(asker, slice: slice, round: round, since: time)
        step?.leases.move(slice, of: asker.worker, to: .parked, at: time)
        askForAnswer(slice: slice, round: round)
    }

    private func objection(
        to input: Exchange, round: Int, of worker: Incarnation, in open: OpenStep
    ) -> Refusal? {
        guard round < settings.rounds.count, let slice = open.slice(input.slice) else {
            return Refusal(.badValue, "slice \(input.slice), round \(input.round)")
        }
        guard open.leases.holds(worker, slice) else {
            return Refusal(.leaseGone, "slice \(slice) of step \(input.step)")
        }
        for earlier in 0..<round
        where open.exchanges.state(of: slice, round: earlier) != .answered {
            return Refusal(
                .outOfOrder, "round \(settings.rounds[earlier]) of slice \(slice) is not answered")
        }
        return nil
    }

    private mutating func askForAnswer(slice: Int, round: Int) {
        guard let number = step?.opened.step,
            let group = step?.exchanges.completeGroup(of: slice, round: round, at: time)
        else { return }
        let slices = settings.groups[round][group]
        effects.append(
            .answerGroup(
                number, round: round, group: group,
                slices: SliceRange(slices.lowerBound, slices.upperBound)))
    }

    /// A group is answered: its slices go on.
    mutating func passOn(_ number: StepNumber, round: Int, group: Int) {
        guard number == steppingStep, settings.groups.indices.contains(round),
            settings.groups[round].indices.contains(group)
        else { return }
        for (slice, asker) in step?.exchanges.answer(group, round: round) ?? [] {
            step?.leases.move(slice, of: asker.worker, to: .working, at: time)
            let answer = ExchangeAnswer(
                step: number, slice: SliceNumber(slice), round: UInt16(round))
            self.answer(asker, .exchange(answer))
        }
    }

    // MARK: 6. Sum

    /// An offer waits for a credit, unless nobody wants the node.
    ///
    /// Any worker may offer a node of the open step, lease or not: the result is the same whoever
    /// computes it. But a slice whose rounds are not answered in this life of the coordinator has
    /// no part in the tables yet, so its result is not wanted. A dropped node ends the sender's
    /// leases on its slices.
    mutating func take(_ offer: OfferNode, from asker: Asker) {
        guard offer.step == steppingStep, let open = step else {
            answer(asker, .reply(.verdict(.drop)))
            return
        }
        guard let node = open.node(offer.node) else {
            refuse(asker, .badValue, "node \(offer.node) is none of the step's tree")
            return
        }
        guard offer.byteCount <= settings.bodyBytesMax else {
            let detail =
                "node \(node) has \(offer.byteCount) bytes, the limit is \(settings.bodyBytesMax)"
            giveUp(node, of: asker.worker, detail)
            refuse(asker, .badValue, detail)
            return
        }
        guard open.occupied(in: node).allSatisfy(open.exchanges.isThrough) else {
            for slice in node.slices { step?.leases.release(slice, from: asker.worker, at: time) }
            answer(asker, .reply(.verdict(.drop)))
            return
        }
        for slice in node.slices {
            step?.leases.adopt(slice, for: asker.worker, at: time)
            step?.leases.move(slice, of: asker.worker, to: .offered, at: time)
        }
        nodes.offer(
            GradientTreeBook.Offer(
                asker: asker, node: node, byteCount: offer.byteCount, since: time))
    }

    /// Tensors that cannot be used.
    ///
    /// A node's slices come back with an error and its credit is free again; a slice whose input
    /// is refused stays with its worker, which hands it back as failed.
    mutating func refuse(_ body: Request, _ refusal: Refusal, from asker: Asker) {
        if case .deliverNode(let delivery) = body, redeem(delivery, from: asker.worker),
            delivery.step == steppingStep, let node = step?.node(delivery.node)
        {
            giveUp(node, of: asker.worker, refusal.detail)
        }
        answer(asker, .reply(.refused(refusal)))
    }

    /// Uses up the credit of a delivery; false if it has none.
    private mutating func redeem(_ delivery: DeliverNode, from worker: Incarnation) -> Bool {
        let bounds = delivery.node
        guard bounds.lo < bounds.hi else { return false }
        return nodes.redeem(
            TreeNode(lo: Int(bounds.lo), hi: Int(bounds.hi)), of: delivery.step, from: worker)
    }

    /// A node that cannot be used: its slices come back with an error.
    private mutating func giveUp(_ node: TreeNode, of worker: Incarnation, _ detail: String) {
        for slice in node.slices
        where step?.leases.release(slice, from: worker, at: time) == true {
            countFailure(of: slice, on: worker, detail)
        }
    }

    /// Gives the verdicts that can be given.
    mutating func giveVerdicts() {
        while let (offer, verdict) = nodes.nextVerdict(at: time) {
            let allowance = Duration.milliseconds(
                offer.byteCount / (Self.transferBytesPerSecondMin / 1000))
            for slice in offer.node.slices {
                switch verdict {
                case .send:
                    step?.leases.move(
                        slice, of: offer.asker.worker, to: .delivering(allowance: allowance),
                        at: time)
                case .drop: step?.leases.release(slice, from: offer.asker.worker, at: time)
                }
            }
            answer(offer.asker, .reply(.verdict(verdict)))
        }
    }

    /// A node has come: the first result of a slice counts, a later one is compared with it.
    mutating func take(_ delivery: DeliverNode, _ key: StagedKey, from asker: Asker) {
        let bounds = delivery.node
        let isCredited = redeem(delivery, from: asker.worker)
        guard delivery.step == steppingStep, let open = step else {
            effects.append(.dropStaged(key))
            refuse(asker, .leaseGone, "step \(delivery.step) is not open")
            return
        }
        guard isCredited, let node = open.node(bounds) else {
            effects.append(.dropStaged(key))
            refuse(asker, .outOfOrder, "node \(bounds) of step \(delivery.step) has no credit")
            return
        }
        guard delivery.leaves.map(\.slice.index) == open.occupied(in: node) else {
            effects.append(.dropStaged(key))
            let detail = "the leaves of node \(bounds) are not its slices"
            giveUp(node, of: asker.worker, detail)
            refuse(asker, .badValue, detail)
            return
        }
        let name = sessions.name(of: asker.worker)
        let others = nodes.disagreeing(with: delivery.leaves)
        guard others.isEmpty else {
            effects.append(.dropStaged(key))
            for slice in node.slices { step?.leases.release(slice, from: asker.worker, at: time) }
            let detail = others.map { "slice \($0.slice) from worker \($0.worker)" }
            let text =
                "node \(bounds) of step \(delivery.step) from worker \(name) differs from "
                + detail.joined(separator: ", ")
            note(.warning, text)
            refuse(asker, .resultDiffers, text)
            return
        }
        keep(node, delivery, key, from: asker.worker, name: name)
        answer(asker, .reply(.accepted))
    }

    private mutating func keep(
        _ node: TreeNode, _ delivery: DeliverNode, _ key: StagedKey, from worker: Incarnation,
        name: String
    ) {
        let arrival = nodes.arrive(node, leaves: delivery.leaves, worker: name)
        guard let arrival else {
            effects.append(.dropStaged(key))
            return
        }
        for leaf in delivery.leaves where !leaf.isFinite {
            note(
                .warning,
                "slice \(leaf.slice) of step \(delivery.step) from worker \(name) is not "
                    + "finite")
        }
        effects.append(
            .keepNode(
                key, delivery.step, SliceRange(arrival.node),
                replacing: arrival.replaced.map { SliceRange($0) }))
        for sum in arrival.sums { effects.append(.combine(delivery.step, SliceRange(sum))) }
        sessions.update(worker) { $0.slicesDone += arrival.slices.count }
        for slice in arrival.slices { finish(slice, of: delivery.step, by: worker) }
    }

    /// A slice is done: whoever else holds it need not go on.
    ///
    /// Nobody waits for an answer to it, since all its rounds are answered.
    private mutating func finish(_ slice: Int, of number: StepNumber, by worker: Incarnation) {
        let others = step?.leases.finish(slice, by: worker) ?? []
        for other in others {
            guard let control = sessions.workers[other]?.control else { continue }
            effects.append(.push(control, .abandon(number, SliceNumber(slice))))
        }
    }
}

extension ExchangeAnswer {
    /// The answer to an input.
    init(to input: Exchange) {
        self.init(step: input.step, slice: input.slice, round: input.round)
    }
}
