import Messages
import Optimizers

// What happens inside the open step, point 6: nodes of the gradient tree (design, section 2.6).
extension StepMachine {
    /// Rate that a transfer of a node is allowed to fall to before it counts as stuck.
    private static let transferBytesPerSecondMin: UInt64 = 1 << 20

    /// An offer waits for a credit, unless nobody wants the node.
    ///
    /// Any worker may offer a node of the open step, lease or not: the result is the same whoever
    /// computes it. But a slice whose rounds are not answered in this life of the coordinator has
    /// no part in the tables yet, so its result is not wanted; nor is one that the worker may have
    /// delivered to a dispute in an earlier life. A dropped node ends the sender's leases on its
    /// slices.
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
        let slices = open.occupied(in: node)
        let isSeen =
            slices.allSatisfy(open.exchanges.isThrough) || settings.flaw == .takesUnseenExchanges
        guard isNews(slices, from: asker.worker), isSeen else {
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

    /// A node has come: the first result of a slice counts, unless it is not finite; a later one is
    /// compared with it.
    mutating func take(_ delivery: DeliverNode, _ key: StagedKey, from asker: Asker) {
        let bounds = delivery.node
        let isCredited = redeem(delivery, from: asker.worker)
        guard delivery.step == steppingStep, let open = step else {
            effects.append(.dropStaged(key))
            refuse(asker, .leaseGone, "step \(delivery.step) is not open")
            return
        }
        guard isCredited || settings.flaw == .takesNodesWithoutCredit,
            let node = open.node(bounds)
        else {
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
        let judgement = judge(delivery.leaves, from: asker.worker)
        if judgement.stands {
            keep(node, delivery, key, from: asker.worker, name: name)
            answer(asker, .reply(.accepted))
        } else {
            effects.append(.dropStaged(key))
            for slice in node.slices { step?.leases.release(slice, from: asker.worker, at: time) }
            refuse(
                asker, .resultDiffers,
                "a slice of node \(bounds) of step \(delivery.step) is computed again elsewhere")
        }
        condemn(judgement.faulty)
    }

    private mutating func keep(
        _ node: TreeNode, _ delivery: DeliverNode, _ key: StagedKey, from worker: Incarnation,
        name: String
    ) {
        let arrival = nodes.arrive(node, leaves: delivery.leaves, worker: name, life: worker)
        guard let arrival else {
            let isKept = settings.flaw == .keepsLateNodes
            effects.append(
                isKept
                    ? .keepNode(key, delivery.step, delivery.node, replacing: [])
                    : .dropStaged(key))
            return
        }
        let replaced = settings.flaw == .replacesNothing ? [] : arrival.replaced
        effects.append(
            .keepNode(
                key, delivery.step, SliceRange(arrival.node),
                replacing: replaced.map { SliceRange($0) }))
        let isReversed = settings.flaw == .sumsFromTheRoot
        for sum in isReversed ? arrival.sums.reversed() : arrival.sums {
            effects.append(.combine(delivery.step, SliceRange(sum)))
        }
        sessions.update(worker) { worker in
            worker.slicesDone += arrival.slices.count
            for leaf in delivery.leaves {
                worker.note(computeMilliseconds: leaf.computeMilliseconds)
            }
        }
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
