import Messages
import Tensors
import Wire
import WorkerCore

/// What came of a request.
typealias Outcome = Result<ReplyMessage, any Error>

/// A reply with the tensors that came beside it.
struct ReplyMessage {
    var reply: Reply
    var tensors: [WireTensor]
}

/// Requests and replies of one life of a simulated worker: the counterpart of `Conversation`.
final class ConversationTwin {
    /// Which connection carries a request.
    enum Lane { case control, bulk }

    /// What the session is told.
    enum Happening {
        case heard
        case pushed(Push)
        case lost(String)
    }

    private let process: SimulatedProcess
    private let report: (Happening) -> Void
    private let trace: (WireMessage) -> Void
    private let control: SimulatedConnection.End
    private var bulk: SimulatedConnection.End?
    private var incarnation = Incarnation(rawValue: 0)
    private var lastID: UInt64 = 0
    private var waiting: [UInt64: (Outcome) -> Void] = [:]
    private var lossReason: String?
    /// The frames that were sent last, for repetitions.
    private(set) var sent: [[UInt8]] = []

    init(
        process: SimulatedProcess, control: SimulatedConnection.End,
        trace: @escaping (WireMessage) -> Void, report: @escaping (Happening) -> Void
    ) {
        self.process = process
        self.control = control
        self.trace = trace
        self.report = report
        listen(to: control)
    }

    /// Later messages carry this incarnation.
    func adopt(_ incarnation: Incarnation) { self.incarnation = incarnation }

    /// Uses a second connection for what is large.
    func use(bulk connection: SimulatedConnection.End) {
        guard lossReason == nil else { return connection.close() }
        bulk = connection
        listen(to: connection)
    }

    private func listen(to end: SimulatedConnection.End) {
        var reader = FrameReader()
        end.listen(
            { [weak self] bytes in
                self?.process.run {
                    do {
                        for message in try reader.take(bytes) { try self?.take(message) }
                    } catch {
                        self?.lose("\(error)")
                    }
                }
            },
            onEnd: { [weak self] in self?.process.run { self?.lose("closed by the peer") } })
    }

    /// Sends a request; `then` gets its reply, or the reason why there is none.
    ///
    /// - Parameter limit: how long to wait; nil where the coordinator may take its time.
    @discardableResult
    func ask(
        _ request: Request, tensors: [WireTensor] = [], over lane: Lane = .control,
        within limit: Nanoseconds? = nil, then: @escaping (Outcome) -> Void
    ) -> UInt64 {
        if let lossReason {
            then(.failure(ConversationError.lost(lossReason)))
            return 0
        }
        lastID += 1
        let id = lastID
        waiting[id] = then
        let message = request.message(
            id: RequestID(rawValue: id), incarnation: incarnation, tensors: tensors)
        trace(message)
        let frame = message.encoded
        sent.append(frame)
        if sent.count > 12 { sent.removeFirst() }
        if !(lane == .bulk ? bulk ?? control : control).send(frame) { lose("the peer takes none") }
        if let limit {
            process.after(limit) { [weak self] in
                guard let self, waiting[id] != nil else { return }
                lose("no reply to \(request.kind.name) in time")
            }
        }
        return id
    }

    /// Ends the wait for a reply with an error of our own.
    func give(up id: UInt64, _ error: any Error) {
        waiting.removeValue(forKey: id)?(.failure(error))
    }

    /// Sends a frame once more, or one of an earlier life.
    func send(again frame: [UInt8], over lane: Lane) {
        guard lossReason == nil else { return }
        _ = (lane == .bulk ? bulk ?? control : control).send(frame)
    }

    private func take(_ message: WireMessage) throws {
        guard lossReason == nil else { return }
        report(.heard)
        switch try CoordinatorMessage(message) {
        case .push(let push): report(.pushed(push))
        case .unknownPush: break
        case .reply(let id, let reply, let tensors):
            guard case .refused(let refusal) = reply else {
                waiting.removeValue(forKey: id.rawValue)?(
                    .success(ReplyMessage(reply: reply, tensors: tensors)))
                return
            }
            if refusal.code == .sayHello { lose(refusal.description) }
            waiting.removeValue(forKey: id.rawValue)?(
                .failure(ConversationError.refused(refusal)))
        }
    }

    /// Ends every wait and closes every connection.
    func lose(_ reason: String) {
        guard lossReason == nil else { return }
        lossReason = reason
        control.close()
        bulk?.close()
        let ended = waiting.keys.sorted().compactMap { waiting[$0] }
        waiting = [:]
        for then in ended { then(.failure(ConversationError.lost(reason))) }
        report(.lost(reason))
    }
}
