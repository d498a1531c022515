import Identity
import Logging
import Messages
import Transport

// How a life begins: connections, greet, hello, run file and data, attach, ready.
extension Worker {
    /// One life: connects, joins, and receives until a connection ends.
    func live(_ number: Int) async {
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

    var insecureSentence: String {
        "\(options.url) is another machine and the connection would not be encrypted: "
            + "say --insecure if the network is closed to others."
    }

    static func failure(_ error: any Error) -> WorkerSession.JoinFailure {
        switch error {
        case let refusal as Refusal: .refused(refusal)
        case let distrust as Distrust: .distrusted(distrust.description)
        case ConversationError.distrusted(let problem): .distrusted(problem)
        case ConversationError.refused(let refusal): .refused(refusal)
        case is ConversationError, is TransportError, is CancellationError:
            .unreachable("\(error)")
        default: .unprepared("\(error)")
        }
    }

    /// Greet, hello, prepare, attach, ready.
    func join(
        _ number: Int, _ conversation: Conversation, _ group: inout DiscardingTaskGroup
    ) async throws {
        let greet = Greet.anew()
        let greeted = try await conversation.ask(.greet(greet), within: Self.replyMax)
        guard case .greeting(let greeting) = greeted.reply else {
            throw ConversationError.unexpected("greet with \(greeted.reply.kind.name)")
        }
        let nonces = Nonces(peer: greet.nonce, coordinator: greeting.nonce)
        let token = try token()
        var hello = try await hello()
        if let token { hello.proof = HelloProof(of: token, name: options.name, nonces: nonces) }
        let answer = try await conversation.ask(.hello(hello), within: Self.replyMax)
        guard case .welcome(let welcome) = answer.reply else {
            throw ConversationError.unexpected("hello with \(answer.reply.kind.name)")
        }
        if let token, !welcome.isProved(by: token, nonces: nonces) {
            throw Distrust(url: options.url)
        }
        await conversation.adopt(welcome.incarnation)
        let limits = ConnectionLimits(
            maxBodyBytes: Int(min(welcome.bodyBytesMax, HostFacts.bodyBytesMax)))
        await conversation.raiseLimits(limits)
        feed.yield(.welcomed(life: number, welcome))

        let run = try await preparation.prepare(welcome)
        useTools(for: run)
        let bulk = try await network.dial(options.url, timeout: Self.dialMax)
        bulk.raiseLimits(limits)
        await conversation.use(bulk: bulk)
        group.addTask { await conversation.receive(from: .bulk) }
        _ = try await conversation.ask(
            .attach(Attach(ticket: welcome.ticket)), over: .bulk, within: Self.replyMax)
        let ready = Ready(
            configDigest: run.configDigest, dataDigest: run.dataDigest, shards: options.shards)
        _ = try await conversation.ask(.ready(ready), within: Self.replyMax)
        logger.info(
            "joined", metadata: ["name": "\(options.name)", "url": "\(options.url)"])
        lastNote = nil
        feed.yield(.ready(life: number))
    }

    func hello() async throws -> Hello {
        Hello(
            role: .worker, name: options.name, host: HostFacts.host,
            processID: HostFacts.processID, programVersion: pleiadVersion,
            features: 0, bodyBytesMax: HostFacts.bodyBytesMax,
            slots: UInt16(slots.count), fingerprint: try await preparation.fingerprint(),
            configDigest: toolsRun?.config ?? .zero, dataDigest: toolsRun?.data ?? .zero)
    }

    /// Keeps the tools, and with them results and versions, while the run is the same.
    func useTools(for run: PreparedRun) {
        if let toolsRun, toolsRun == (run.configDigest, run.dataDigest) { return }
        tools = SliceTools(
            method: run.method, slices: run.slices, seed: run.seed, slots: slots.count,
            activationBudgetBytes: options.activationBudgetBytes,
            gradientPrecision: run.gradientPrecision, isSumming: run.isSumming,
            worker: options.name)
        toolsRun = (run.configDigest, run.dataDigest)
    }
}
