import Identity
import Logging
import Messages
import Methods
import Optimizers
import Transport

/// Carries a session's actions out: dials, sends, and starts slices on their slots.
actor Worker {
    /// How long one attempt to connect may take.
    static let dialMax = Duration.seconds(5)
    /// A reply that needs no computation and does not come for so long is a broken connection.
    static let replyMax = Duration.seconds(10)
    /// A node of gigabytes over a slow network is given so long.
    static let deliveryMax = Duration.seconds(120)
    /// The farewell is a courtesy.
    static let goodbyeMax = Duration.seconds(2)
    /// Between two looks at the clock: finer than any heartbeat.
    static let tickEvery = Duration.milliseconds(50)

    let options: WorkerOptions
    let network: any Network
    let logger: Logger
    let preparation: any Preparation
    private let slots: [ComputeSlot]
    private let events: AsyncStream<WorkerSession.Event>
    private let feed: AsyncStream<WorkerSession.Event>.Continuation
    private var life: (number: Int, conversation: Conversation)?
    private var tools: SliceTools?
    private var toolsRun: (config: Digest, data: Digest)?
    private var tickets: [LeaseKey: SliceTicket] = [:]
    private var lastNote: String?

    /// A worker that has not begun yet.
    init(
        options: WorkerOptions, network: any Network, logger: Logger,
        preparation: any Preparation
    ) {
        self.options = options
        self.network = network
        self.logger = logger
        self.preparation = preparation
        slots = (0..<options.slots).map { ComputeSlot(index: $0) }
        (events, feed) = AsyncStream.makeStream()
    }

    /// Makes the worker drain and leave.
    nonisolated func stop() { feed.yield(.stop) }

    /// Makes the worker end at once: slices under way end at their next exchange or result.
    nonisolated func cancel() { feed.finish() }

    /// Works until the run is over, the worker was stopped or refused.
    func run() async -> WorkerOutcome {
        var session = WorkerSession(slots: slots.count, at: .now)
        var outcome: WorkerOutcome?
        await withDiscardingTaskGroup { group in
            group.addTask { await self.tick() }
            feed.yield(.begin)
            events: for await event in events {
                for action in session.handle(event, at: .now) {
                    if case .end(let end) = action {
                        outcome = end
                        break events
                    }
                    perform(action, in: &group)
                }
            }
            await life?.conversation.lose("the worker ends")
            group.cancelAll()
        }
        for slot in slots { slot.stop() }
        tools?.nodes.stop()
        return outcome ?? .drained
    }

    private func tick() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: Self.tickEvery)
            } catch {
                return  // cancelled: the worker ends
            }
            feed.yield(.tick)
        }
    }

    // MARK: Actions

    private func perform(_ action: WorkerSession.Action, in group: inout DiscardingTaskGroup) {
        switch action {
        case .join(let number): group.addTask { await self.live(number) }
        case .wait(let pause):
            group.addTask {
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    return  // cancelled: the worker ends
                }
                self.feed.yield(.begin)
            }
        case .heartbeat: errand(in: &group) { worker, talk in await worker.beat(talk) }
        case .askLease(let slot):
            errand(in: &group) { worker, talk in await worker.askLease(slot, talk) }
        case .run(let key, let lease, let slot):
            let ticket = SliceTicket()
            tickets[key] = ticket
            errand(in: &group) { worker, talk in await worker.work(key, lease, slot, ticket, talk) }
        case .stopSlice(let key, let reason): tickets[key]?.stop(reason)
        case .handBack(let key, let reason, let detail):
            errand(in: &group) { worker, talk in await worker.handBack(key, reason, detail, talk) }
        case .dropLife: dropLife(in: &group)
        case .sayGoodbye: errand(in: &group) { worker, talk in await worker.sayGoodbye(talk) }
        case .note(let text): note(text)
        case .end: break
        }
    }

    /// Starts something that needs the conversation of this life.
    private func errand(
        in group: inout DiscardingTaskGroup,
        _ body: @escaping @Sendable (Worker, Conversation) async -> Void
    ) {
        guard let conversation = life?.conversation else { return }
        group.addTask { await body(self, conversation) }
    }

    private func dropLife(in group: inout DiscardingTaskGroup) {
        guard let conversation = life?.conversation else { return }
        life = nil
        let nodes = tools?.nodes
        group.addTask {
            await conversation.lose("the worker joins anew")
            await nodes?.endLife()
        }
    }

    /// Says why joining is tried again; the same reason once only.
    private func note(_ text: String) {
        let level: Logger.Level = text == lastNote ? .debug : .info
        lastNote = text
        logger.log(level: level, "joining again", metadata: ["reason": "\(text)"])
    }

    private func beat(_ conversation: Conversation) async {
        let heartbeat = Heartbeat(slots: slots.map(\.meter.progress))
        // No reply means silence, which the session counts from what it hears.
        _ = try? await conversation.ask(.heartbeat(heartbeat))
    }

    private func askLease(_ slot: Int, _ conversation: Conversation) async {
        guard let number = life?.number else { return }
        do {
            let answer = try await conversation.ask(
                .requestLease(RequestLease(slot: UInt16(slot))))
            guard case .lease(let lease) = answer.reply else {
                return await conversation.lose("requestLease was answered \(answer.reply.kind)")
            }
            feed.yield(.leased(life: number, slot: slot, lease))
        } catch ConversationError.refused(let refusal) {
            feed.yield(.leaseRefused(life: number, slot: slot, refusal))
        } catch {
            // The conversation is over, which it has reported itself.
        }
    }

    private func handBack(
        _ key: LeaseKey, _ reason: ReturnReason, _ detail: String, _ conversation: Conversation
    ) async {
        let level: Logger.Level = reason == .failed ? .warning : .debug
        logger.log(
            level: level, "slice handed back",
            metadata: ["step": "\(key.step)", "slice": "\(key.slice)", "detail": "\(detail)"])
        let request = ReturnLease(
            step: key.step, slice: key.slice, reason: reason, detail: detail)
        // Refused or unheard, the lease is gone either way.
        _ = try? await conversation.ask(.returnLease(request), within: Self.replyMax)
        feed.yield(.errandDone(life: key.life))
    }

    private func sayGoodbye(_ conversation: Conversation) async {
        // A coordinator that does not hear it sees the connection close.
        _ = try? await conversation.ask(
            .goodbye(Goodbye(detail: "told to stop")), within: Self.goodbyeMax)
        feed.yield(.goodbyeSaid)
    }

    // MARK: A slice

    /// A leased slice from its lease to the delivery of the nodes that it completes, and with it
    /// what an earlier life computed of the same step.
    private func work(
        _ key: LeaseKey, _ lease: Lease, _ slot: Int, _ ticket: SliceTicket,
        _ conversation: Conversation
    ) async {
        guard let tools else { preconditionFailure("a lease came before the worker was ready") }
        let step = StepKey(step: key.step, version: lease.version)
        let kept = await tools.nodes.lease(
            key.slice.index, of: step, stepSamples: Int(lease.task.stepSamples))
        feed.yield(.errandsBegun(life: key.life, kept.count))
        await withDiscardingTaskGroup { group in
            var own: LeavingNode?
            for node in kept {
                if node.node.slices.contains(key.slice.index) {
                    own = node
                } else {
                    group.addTask {
                        await self.deliver(node, of: step, life: key.life, conversation)
                    }
                }
            }
            var ending: SliceRun.Ending
            if let own {
                // Wanted or not, the offer ends the lease: nothing is left to be computed.
                await deliver(own, of: step, life: key.life, conversation)
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

    private func computed(
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
    private func deliver(
        _ node: LeavingNode, of step: StepKey, life: Int, _ conversation: Conversation
    ) async {
        defer { feed.yield(.errandDone(life: life)) }
        let range = SliceRange(node.node.lo, node.node.hi)
        let offer = OfferNode(
            step: step.step, node: range, byteCount: UInt64(node.payload.result.byteCount))
        let delivery = DeliverNode(step: step.step, node: range, leaves: node.payload.leaves)
        do {
            let verdict = try await conversation.ask(.offerNode(offer)).reply
            if verdict == .verdict(.send) {
                _ = try await conversation.ask(
                    .deliverNode(delivery), tensors: node.payload.result.wireTensors,
                    over: .bulk, within: Self.deliveryMax)
            }
        } catch ConversationError.refused(let refusal) {
            logger.warning(
                "a node was refused", metadata: ["node": "\(range)", "reason": "\(refusal)"])
        } catch ConversationError.unsendable(let problem) {
            logger.error("a node cannot be sent", metadata: ["reason": "\(problem)"])
        } catch {
            return  // the life is over: the node is kept for the next one
        }
        await tools?.nodes.settle(node.node, of: step)
    }

    // MARK: Joining

    /// One life: connects, joins, and receives until a connection ends.
    private func live(_ number: Int) async {
        let control: any Connection
        do {
            control = try await network.dial(options.url, timeout: Self.dialMax)
        } catch {
            feed.yield(.joinFailed(life: number, .unreachable("\(error)")))
            return
        }
        guard control.isLoopback || options.insecure || options.url.hasPrefix("tls+") else {
            control.close()
            feed.yield(.joinFailed(life: number, .unprepared(insecureSentence)))
            return
        }
        control.raiseLimits(.standard)
        let feed = feed
        let conversation = Conversation(control: control) { happening in
            switch happening {
            case .heard: feed.yield(.heard(life: number))
            case .pushed(let push): feed.yield(.pushed(life: number, push))
            case .lost(let reason): feed.yield(.lost(life: number, reason))
            }
        }
        life = (number, conversation)
        await withDiscardingTaskGroup { group in
            group.addTask { await conversation.receive(from: .control) }
            do {
                try await join(number, conversation, &group)
            } catch {
                feed.yield(.joinFailed(life: number, Self.failure(error)))
                await conversation.lose("joining failed")
            }
        }
    }

    private var insecureSentence: String {
        "\(options.url) is another machine and the connection would not be encrypted: "
            + "use tls+tcp://, or say --insecure if the network is your own."
    }

    private static func failure(_ error: any Error) -> WorkerSession.JoinFailure {
        switch error {
        case let refusal as Refusal: .refused(refusal)
        case ConversationError.refused(let refusal): .refused(refusal)
        case is ConversationError, is TransportError, is CancellationError:
            .unreachable("\(error)")
        default: .unprepared("\(error)")
        }
    }

    /// Greet, hello, prepare, attach, ready.
    private func join(
        _ number: Int, _ conversation: Conversation, _ group: inout DiscardingTaskGroup
    ) async throws {
        _ = try await conversation.ask(.greet(.anew()), within: Self.replyMax)
        let hello = try await hello()
        let answer = try await conversation.ask(.hello(hello), within: Self.replyMax)
        guard case .welcome(let welcome) = answer.reply else {
            throw ConversationError.unexpected("hello with \(answer.reply.kind.name)")
        }
        await conversation.adopt(welcome.incarnation)
        feed.yield(.welcomed(life: number, welcome))

        let run = try await preparation.prepare(welcome)
        useTools(for: run)
        let bulk = try await network.dial(options.url, timeout: Self.dialMax)
        bulk.raiseLimits(.standard)
        await conversation.use(bulk: bulk)
        group.addTask { await conversation.receive(from: .bulk) }
        _ = try await conversation.ask(
            .attach(Attach(ticket: welcome.ticket)), over: .bulk, within: Self.replyMax)
        let ready = Ready(
            configDigest: run.configDigest, dataDigest: run.dataDigest, shards: [])
        _ = try await conversation.ask(.ready(ready), within: Self.replyMax)
        logger.info(
            "joined", metadata: ["name": "\(options.name)", "url": "\(options.url)"])
        lastNote = nil
        feed.yield(.ready(life: number))
    }

    private func hello() async throws -> Hello {
        Hello(
            role: .worker, name: options.name, host: HostFacts.host,
            processID: HostFacts.processID, programVersion: HostFacts.programVersion,
            features: 0, bodyBytesMax: UInt64(ConnectionLimits.standard.maxBodyBytes),
            slots: UInt16(slots.count), fingerprint: try await preparation.fingerprint(),
            configDigest: toolsRun?.config ?? .zero, dataDigest: toolsRun?.data ?? .zero)
    }

    /// Keeps the tools, and with them results and versions, while the run is the same.
    private func useTools(for run: PreparedRun) {
        if let toolsRun, toolsRun == (run.configDigest, run.dataDigest) { return }
        tools?.nodes.stop()
        tools = SliceTools(
            method: run.method, slices: run.slices, slots: slots.count,
            activationBudgetBytes: options.activationBudgetBytes)
        toolsRun = (run.configDigest, run.dataDigest)
    }
}
