import Logging
import Messages
import Methods
import Optimizers

// A lease on its way through the worker: kept results, computation, delivery.
extension Worker {
    /// A leased slice from its lease to the delivery of the nodes that it completes, and with it
    /// what an earlier life computed of the same step.
    func work(
        _ key: LeaseKey, _ lease: Lease, _ slot: Int, _ ticket: SliceTicket,
        _ conversation: Conversation
    ) async {
        guard let tools else { preconditionFailure("a lease came before the worker was ready") }
        let step = StepKey(step: key.step, version: lease.version)
        let kept = await tools.nodes.lease(
            key.slice.index, of: step, stepSamples: Int(lease.task.stepSamples))
        feed.yield(.errandsBegun(life: key.life, kept.count))
        await withDiscardingTaskGroup { group in
            for node in kept {
                group.addTask {
                    await self.deliver(node, of: step, life: key.life, conversation)
                }
            }
            let ending: SliceRun.Ending
            if kept.contains(where: { $0.node.slices.contains(key.slice.index) }) {
                // Nothing is left to be computed, and the offer may wait for a credit as long as
                // slices are missing that this very slot could compute: it is free at once.
                ending = SliceRun.Ending(
                    end: .gone, nodes: await tools.nodes.drop(key.slice.index, of: step))
            } else {
                ending = await computed(key, lease, slot, ticket, tools, conversation)
            }
            tickets[key] = nil
            feed.yield(.errandsBegun(life: key.life, ending.nodes.count))
            feed.yield(.ended(key, ending.end))
            for node in ending.nodes {
                await deliver(node, of: step, life: key.life, conversation)
            }
        }
    }

    func computed(
        _ key: LeaseKey, _ lease: Lease, _ slot: Int, _ ticket: SliceTicket, _ tools: SliceTools,
        _ conversation: Conversation
    ) async -> SliceRun.Ending {
        let feed = feed
        let run = SliceRun(
            key: key, lease: lease, ticket: ticket, tools: tools, conversation: conversation
        ) { turn in
            feed.yield(turn == .parked ? .parked(key) : .resumed(key))
        }
        return await slots[slot].compute(run)
    }

    /// Offers a node and sends it if it is wanted.
    func deliver(
        _ node: LeavingNode, of step: StepKey, life: Int, _ conversation: Conversation
    ) async {
        defer { feed.yield(.errandDone(life: life)) }
        let range = SliceRange(node.node.lo, node.node.hi)
        let offer = OfferNode(
            step: step.step, node: range, byteCount: UInt64(node.payload.result.byteCount))
        let delivery = DeliverNode(step: step.step, node: range, leaves: node.payload.leaves)
        var end = NodeEnd.settled
        do {
            let verdict = try await conversation.ask(.offerNode(offer)).reply
            if verdict == .verdict(.send) {
                _ = try await conversation.ask(
                    .deliverNode(delivery), tensors: node.payload.result.wireTensors,
                    over: .bulk, within: Self.deliveryMax)
            }
        } catch {
            end = NodeEnd(error)
            if end != .kept {
                logger.warning(
                    "a node was refused", metadata: ["node": "\(range)", "reason": "\(error)"])
            }
        }
        switch end {
        case .kept: return
        case .settled: break
        case .handedBack(let problem):
            await handBack(node.node, of: step, life: life, problem, conversation)
        }
        await tools?.nodes.settle(node.node, of: step)
    }

    /// Hands back the slices of a node that cannot be delivered; of those that this worker does
    /// not hold the coordinator takes no notice.
    private func handBack(
        _ node: TreeNode, of step: StepKey, life: Int, _ problem: String,
        _ conversation: Conversation
    ) async {
        for slice in node.slices {
            let key = LeaseKey(life: life, step: step.step, slice: SliceNumber(slice))
            feed.yield(.errandsBegun(life: life, 1))
            await handBack(key, .failed, problem, conversation)
        }
    }
}
