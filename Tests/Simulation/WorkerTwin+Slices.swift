import Messages
import Optimizers
import Tensors
import Wire
import WorkerCore

// A lease on its way through the worker, as in `Worker+Slices`.
extension WorkerTwin {
    func work(_ key: LeaseKey, _ lease: Lease, _ slot: SlotTwin) {
        let held = world.plan.shardsHeld(by: number)
        if !held.isEmpty, !held.contains(key.slice.rawValue) {
            world.referee.fail("\(name) gets slice \(key.slice), whose data it does not hold")
        }
        guard let talk = life?.conversation else { return }
        let step = StepKey(step: key.step, version: lease.version)
        let kept = results.lease(
            key.slice.index, of: step, stepSamples: Int(lease.task.stepSamples))
        feed(.errandsBegun(life: key.life, kept.count))
        for node in kept { deliver(node, of: step, life: key.life, talk) }
        let ended: (WorkerSession.SliceEnd, [SummedNode<NodeTwin>]) -> Void = {
            [weak self] end, nodes in
            guard let self, !process.isDead else { return }
            slices[key] = nil
            feed(.errandsBegun(life: key.life, nodes.count))
            feed(.ended(key, end))
            deliverAll(nodes[...], of: step, life: key.life, talk)
        }
        if kept.contains(where: { $0.node.slices.contains(key.slice.index) }) {
            ended(.gone, results.drop(key.slice.index, of: step))
        } else {
            let slice = SliceTwin(self, key, lease, slot, talk, done: ended)
            slices[key] = slice
            slice.run()
        }
    }

    private func deliverAll(
        _ nodes: ArraySlice<SummedNode<NodeTwin>>, of step: StepKey, life: Int,
        _ talk: ConversationTwin
    ) {
        guard let node = nodes.first else { return }
        deliver(node, of: step, life: life, talk) { [weak self] in
            self?.deliverAll(nodes.dropFirst(), of: step, life: life, talk)
        }
    }

    /// Offers a node and sends it if it is wanted.
    private func deliver(
        _ node: SummedNode<NodeTwin>, of step: StepKey, life: Int, _ talk: ConversationTwin,
        then: @escaping () -> Void = {}
    ) {
        let range = SliceRange(node.node.lo, node.node.hi)
        let offer = OfferNode(
            step: step.step, node: range, byteCount: UInt64(node.payload.result.byteCount))
        let delivery = DeliverNode(step: step.step, node: range, leaves: node.payload.leaves)
        let finish: (NodeEnd) -> Void = { [weak self] end in
            guard let self, !process.isDead else { return }
            let settle = { [weak self] in
                guard let self else { return }
                if end != .kept { results.settle(node.node, of: step) }
                feed(.errandDone(life: life))
                then()
            }
            if case .handedBack(let problem) = end {
                handBack(node.node.slices, of: step, life: life, problem, then: settle)
            } else {
                settle()
            }
        }
        talk.ask(.offerNode(offer)) { [weak self] outcome in
            switch outcome {
            case .failure(let error): finish(NodeEnd(error))
            case .success(let message):
                guard message.reply == .verdict(.send) else { return finish(.settled) }
                let tensors = node.payload.result.wireTensors
                self?.lastDelivery = (.deliverNode(delivery), tensors)
                talk.ask(
                    .deliverNode(delivery), tensors: tensors, over: .bulk,
                    within: Self.transferMax
                ) { outcome in
                    switch outcome {
                    case .success: finish(.settled)
                    case .failure(let error): finish(NodeEnd(error))
                    }
                }
            }
        }
    }

    private func handBack(
        _ slices: Range<Int>, of step: StepKey, life: Int, _ problem: String,
        then: @escaping () -> Void
    ) {
        guard let slice = slices.first else { return then() }
        feed(.errandsBegun(life: life, 1))
        let key = LeaseKey(life: life, step: step.step, slice: SliceNumber(slice))
        handBack(key, .failed, problem) { [weak self] in
            self?.handBack(slices.dropFirst(), of: step, life: life, problem, then: then)
        }
    }

    // MARK: Faults

    /// Whether this fault is to happen now; it happens once.
    func takeWrongBits(_ kind: WrongBits) -> Bool {
        guard nextBits == kind else { return false }
        nextBits = nil
        return true
    }

    /// The result, or what a faulty worker makes of it.
    func result(
        of task: SliceTask, version: [Float], answers: [[Float]], _ key: LeaseKey
    ) -> SliceResult {
        var result = method.result(task, version: version, answers: answers)
        if takeWrongBits(.notANumber) {
            let wrong = wrongNumber()
            result.gradient = Tensor([.nan, wrong, 1], shape: [3])
        } else if world.isCounted(key) {
            // Wrong bits that come first count, by design; these come second.
            if takeWrongBits(.result) {
                let wrong = wrongNumber()
                result.gradient = Tensor([wrong, wrong, 1], shape: [3])
            } else if key.step.index > 0, takeWrongBits(.version) {
                let before = world.referee.expected.states[key.step.index - 1].version
                result = method.result(task, version: before, answers: answers)
            }
        }
        return result
    }

    /// No two machines fail alike.
    func wrongNumber() -> Float { Float(world.chance.below(1 << 20)) }

    /// The process dies, and is started again after a while.
    func crash() {
        world.agenda.after(0) { [self] in
            guard world.workers[number] === self else { return }
            world.killWorker(number)
            world.restartWorkerLater(number)
        }
    }
}
