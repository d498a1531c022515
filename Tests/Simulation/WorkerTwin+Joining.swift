import Identity
import Messages
import WorkerCore

// How a life begins, as in `Worker+Joining`.
extension WorkerTwin {
    /// One life: connects and joins.
    func live(_ number: Int) {
        world.dial(from: self, within: Self.dialMax) { [weak self] connection in
            guard let self else { return }
            guard let connection else {
                return feed(.joinFailed(life: number, .unreachable("nobody")))
            }
            let world = world
            let conversation = ConversationTwin(
                process: process, control: connection.dialled,
                trace: { [unowned world] in world.referee.trace($0, at: world.agenda.now) },
                report: { [weak self] happening in
                    switch happening {
                    case .heard: self?.feed(.heard(life: number))
                    case .pushed(let push): self?.feed(.pushed(life: number, push))
                    case .lost(let reason): self?.feed(.lost(life: number, reason))
                    }
                })
            life = (number, conversation)
            greet(number, conversation)
        }
    }

    private func greet(_ number: Int, _ talk: ConversationTwin) {
        let minor: UInt8 = oddity == .protocolMinor ? 1 : 0
        let greet = Greet(
            minorLowest: minor, minorHighest: minor,
            nonce: Array(repeating: 1, count: MessageLimits.nonceBytes))
        step(talk, .greet(greet), number) { worker, _ in
            let hello = Hello(
                role: .worker, name: worker.name, host: "host \(worker.number)",
                processID: worker.processID, programVersion: "", features: 0,
                bodyBytesMax: 1 << 20, slots: UInt16(worker.slots.count),
                fingerprint: worker.oddity == .fingerprint ? .zero : Plan.fingerprint,
                configDigest: .zero, dataDigest: .zero)
            worker.step(talk, .hello(hello), number) { worker, reply in
                guard case .welcome(let welcome) = reply else {
                    return talk.lose("hello was answered otherwise")
                }
                talk.adopt(welcome.incarnation)
                worker.feed(.welcomed(life: number, welcome))
                worker.prepare(number, talk, welcome)
            }
        }
    }

    /// Loads run file and data, then attaches a connection for what is large, and is ready.
    private func prepare(_ number: Int, _ talk: ConversationTwin, _ welcome: Welcome) {
        process.after(world.chance.time(.milliseconds(5)...(.milliseconds(100)))) {
            [weak self] in
            guard let self else { return }
            world.dial(from: self, within: Self.dialMax) { [weak self] connection in
                guard let self else { return }
                guard let connection else {
                    feed(.joinFailed(life: number, .unreachable("nobody")))
                    return talk.lose("joining failed")
                }
                talk.use(bulk: connection.dialled)
                step(talk, .attach(Attach(ticket: welcome.ticket)), number, over: .bulk) {
                    worker, _ in
                    let ready = Ready(
                        configDigest: Plan.config, dataDigest: Plan.data,
                        shards: worker.world.plan.shardsHeld(by: worker.number))
                    worker.step(talk, .ready(ready), number) { worker, _ in
                        worker.feed(.ready(life: number))
                    }
                }
            }
        }
    }

    /// One request of the joining; an error ends it.
    private func step(
        _ talk: ConversationTwin, _ request: Request, _ number: Int,
        over lane: ConversationTwin.Lane = .control,
        then: @escaping (WorkerTwin, Reply) -> Void
    ) {
        talk.ask(request, over: lane, within: Self.replyMax) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .success(let message): then(self, message.reply)
            case .failure(let error):
                if case ConversationError.refused(let refusal) = error {
                    feed(.joinFailed(life: number, .refused(refusal)))
                } else {
                    feed(.joinFailed(life: number, .unreachable("\(error)")))
                }
                talk.lose("joining failed")
            }
        }
    }
}
