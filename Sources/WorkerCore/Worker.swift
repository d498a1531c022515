import Identity
import Logging
import Messages
import Methods
import Optimizers
import RunFiles
import Transport

/// Carries a session's actions out: dials, sends, and starts slices on their slots.
actor Worker {
    /// How long one attempt to connect may take.
    static let dialMax = Duration.seconds(5)
    /// A reply that needs no computation and does not come for so long is a broken connection.
    static let replyMax = Duration.seconds(10)
    /// A node of gigabytes over a slow network is given so long.
    static let deliveryMax = CoordinatorSettings.transferMax
    /// The farewell is a courtesy.
    static let goodbyeMax = Duration.seconds(2)
    /// Between two looks at the clock: finer than any heartbeat.
    static let tickEvery = Duration.milliseconds(50)

    let options: WorkerOptions
    let network: any Network
    let logger: Logger
    let preparation: any Preparation
    let slots: [ComputeSlot]
    let events: AsyncStream<WorkerSession.Event>
    let feed: AsyncStream<WorkerSession.Event>.Continuation
    var life: (number: Int, conversation: Conversation)?
    var tools: SliceTools?
    var toolsRun: (config: Digest, data: Digest)?
    var tickets: [LeaseKey: SliceTicket] = [:]
    var lastNote: String?

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
        return outcome ?? .drained
    }

    func tick() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: Self.tickEvery)
            } catch {
                return  // cancelled: the worker ends
            }
            await life?.conversation.expire(at: .now)
            feed.yield(.tick)
        }
    }

    // MARK: Actions

    func perform(_ action: WorkerSession.Action, in group: inout DiscardingTaskGroup) {
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
    func errand(
        in group: inout DiscardingTaskGroup,
        _ body: @escaping @Sendable (Worker, Conversation) async -> Void
    ) {
        guard let conversation = life?.conversation else { return }
        group.addTask { await body(self, conversation) }
    }

    func dropLife(in group: inout DiscardingTaskGroup) {
        guard let conversation = life?.conversation else { return }
        life = nil
        let nodes = tools?.nodes
        group.addTask {
            await conversation.lose("the worker joins anew")
            await nodes?.endLife()
        }
    }

    /// Says why joining is tried again; the same reason once only.
    func note(_ text: String) {
        let level: Logger.Level = text == lastNote ? .debug : .info
        lastNote = text
        logger.log(level: level, "not joined, trying again", metadata: ["reason": "\(text)"])
    }

    func beat(_ conversation: Conversation) async {
        let heartbeat = Heartbeat(slots: slots.map(\.meter.progress))
        // No reply means silence, which the session counts from what it hears.
        _ = try? await conversation.ask(.heartbeat(heartbeat))
    }

    func askLease(_ slot: Int, _ conversation: Conversation) async {
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

    func handBack(
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

    func sayGoodbye(_ conversation: Conversation) async {
        // A coordinator that does not hear it sees the connection close.
        _ = try? await conversation.ask(
            .goodbye(Goodbye(detail: "told to stop")), within: Self.goodbyeMax)
        feed.yield(.goodbyeSaid)
    }
}
