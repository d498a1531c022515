import Identity
import Messages
import Methods
import Optimizers
import Storage
import Tensors
import Wire

/// One leased slice, from its lease to the nodes that its result completes.
///
/// The numbers are those of design section 2; a step begins in `StepMachine` and ends in
/// `StepCommit`.
struct SliceRun: Sendable {
    /// How a slice ended, and what is to be sent because of it.
    struct Ending: Sendable {
        var end: WorkerSession.SliceEnd
        var nodes: [LeavingNode]
    }

    /// A slice in the middle of its life in the session's book.
    enum Turn: Sendable {
        case parked
        case resumed
    }

    let key: LeaseKey
    let lease: Lease
    let ticket: SliceTicket
    let tools: SliceTools
    let conversation: Conversation
    /// Tells the session when the slice parks and when it goes on.
    let turn: @Sendable (Turn) -> Void

    private var step: StepKey { StepKey(step: key.step, version: lease.version) }

    /// Computes the slice.
    ///
    /// On its slot's thread; waits give the slot to other slices.
    func run(on slot: isolated ComputeSlot) async -> Ending {
        do {
            return try await computed(on: slot)
        } catch {
            return await ended(WorkerSession.SliceEnd(error))
        }
    }

    private func computed(on slot: isolated ComputeSlot) async throws -> Ending {
        // 2. Lease: step, version, slice, samples. The version comes once for all slots.
        try ticket.check()
        guard lease.seed == tools.seed else {
            throw ConversationError.unexpected(
                "requestLease with seed \(lease.seed), the run file says \(tools.seed)")
        }
        let clock = ContinuousClock()
        var computeTime = Duration.zero
        let meter = SliceMeter(meter: slot.meter, key: key)
        slot.meter.enter(.loading, key)
        async let fetched = tools.version(of: lease, conversation, ticket)

        // 3. Forward: load and augment the samples, by random numbers keyed by what they are, while
        // the version travels. Whatever comes of the views, the fetch goes on: others wait for it.
        let work = tools.work(for: lease.task)
        let made = Result { try tools.views(of: work) }
        tools.prefetch(lease.hints)
        let version = try await fetched
        let views = try made.get()
        slot.meter.enter(.forward, key)
        var resumedAt = clock.now

        // 4. Exchange: the slice parks, and its slot takes the next lease until the answer is here.
        let exact = try await tools.method.run(
            work, views: views, version: version, progress: meter
        ) { round, input in
            computeTime += clock.now - resumedAt
            let answer = try await exchange(round, input, keeping: work, on: slot)
            slot.meter.enter(.forward, key)
            resumedAt = clock.now
            return answer
        }

        // 5. Backward is behind us: a result with its digest, by which it is compared.
        let result = tools.leafResult(exact)
        computeTime += clock.now - resumedAt
        if ticket.reason == .abandoned { throw StopReason.abandoned }
        slot.meter.enter(.delivering, key)
        let leaf = Leaf(
            slice: key.slice, digest: result.digest, isFinite: result.isFinite,
            computeMilliseconds: UInt32(clamping: computeTime.wholeMilliseconds))

        // 6. Sum: with the sibling if it is held here; what is complete is offered and delivered.
        let nodes = await tools.nodes.deliver(
            key.slice.index, of: step, NodePayload(result: result, leaves: [leaf]),
            isCurrent: ticket.reason != .lost)
        return Ending(end: ticket.reason == .lost ? .stopped(.lost) : .result, nodes: nodes)
    }

    /// One round: the input goes up, the slot is free until the answer is there.
    private func exchange(
        _ round: Int, _ input: NamedTensors, keeping work: SliceWork,
        on slot: isolated ComputeSlot
    ) async throws -> NamedTensors {
        try ticket.check()
        let (input, isSpoiled) = tools.sabotage.input(input)
        let question = Exchange(
            step: key.step, slice: key.slice, round: UInt16(round), digest: input.digest)
        tools.activations.park(work)
        defer { tools.activations.unpark(work) }
        turn(.parked)
        defer { turn(.resumed) }
        let answer = try await slot.parked { [conversation, ticket] in
            try await conversation.ask(
                .exchange(question), tensors: input.wireTensors, over: .bulk, ticket: ticket)
        }
        try ticket.check()
        if isSpoiled { FailPoint.die() }
        let expected = ExchangeAnswer(step: key.step, slice: key.slice, round: UInt16(round))
        guard case .answer(expected) = answer.reply else {
            throw ConversationError.unexpected("an exchange with \(answer.reply.kind.name)")
        }
        return try NamedTensors(wire: answer.tensors)
    }

    /// The slice ends without a result; nodes that waited for it go now.
    private func ended(_ end: WorkerSession.SliceEnd) async -> Ending {
        guard end != .stopped(.lost) else { return Ending(end: end, nodes: []) }
        return Ending(end: end, nodes: await tools.nodes.drop(key.slice.index, of: step))
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
