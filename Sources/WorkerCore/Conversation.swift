import Messages
import Synchronization
import Transport
import Wire

/// A reply with the tensors that came beside it.
struct ReplyMessage: Sendable {
    var reply: Reply
    var tensors: [WireTensor]
}

/// Requests and replies of one life of a worker over its control and bulk connections.
///
/// Replies come in any order and are matched by id. If one connection dies, all are closed and
/// every wait ends. An actor on the cooperative pool: it moves messages and computes nothing.
actor Conversation {
    /// Which connection carries a request: bulk must never hold a heartbeat up.
    enum Lane: Hashable {
        case control
        case bulk
    }

    /// Pushes and the end of the conversation, for the session.
    enum Happening: Sendable {
        case heard
        case pushed(Push)
        case lost(String)
    }

    private let control: any Connection
    private var bulk: (any Connection)?
    private let report: @Sendable (Happening) -> Void
    private var incarnation = Incarnation(rawValue: 0)
    private var lastID: UInt64 = 0
    private var waiting: [RequestID: Promise<ReplyMessage>] = [:]
    private var deadlines: [RequestID: Deadline] = [:]
    private var loss: ConversationError?

    /// A conversation over a control connection that has just been made.
    init(control: any Connection, report: @escaping @Sendable (Happening) -> Void) {
        self.control = control
        self.report = report
    }

    /// Later messages carry this incarnation.
    func adopt(_ incarnation: Incarnation) { self.incarnation = incarnation }

    /// Messages of the control connection may be as large as welcome and hello allow.
    func raiseLimits(_ limits: ConnectionLimits) { control.raiseLimits(limits) }

    /// Uses a second connection for what is large.
    func use(bulk connection: any Connection) { bulk = connection }

    /// Sends a request and waits for its reply.
    ///
    /// - Parameter limit: how long to wait; nil where the coordinator may take its time, and
    ///   heartbeats tell whether it is alive (leases, exchanges, credits).
    /// - Throws: `ConversationError`, `StopReason` if `ticket` is stopped meanwhile, or
    ///   `CancellationError`.
    func ask(
        _ request: Request, tensors: [WireTensor] = [], over lane: Lane = .control,
        within limit: Duration? = nil, ticket: SliceTicket? = nil
    ) async throws -> ReplyMessage {
        if let loss { throw loss }
        lastID += 1
        let id = RequestID(rawValue: lastID)
        let promise = Promise<ReplyMessage>()
        waiting[id] = promise
        defer { waiting[id] = nil }
        try ticket?.wait(on: promise)
        defer { ticket?.endWait() }
        let message = request.message(
            id: id, incarnation: incarnation, tensors: tensors)
        do throws(TransportError) {
            try await (lane == .bulk ? bulk ?? control : control).send(message)
        } catch {
            if case .messageTooLarge = error { throw ConversationError.unsendable("\(error)") }
            lose(error)
        }
        if let limit {
            deadlines[id] = Deadline(at: .now + limit, limit: limit, kind: request.kind)
        }
        defer { deadlines[id] = nil }
        let reply = try await promise.value()
        if case .refused(let refusal) = reply.reply { throw ConversationError.refused(refusal) }
        return reply
    }

    /// When a reply is late.
    private struct Deadline {
        var at: ContinuousClock.Instant
        var limit: Duration
        var kind: MessageKind
    }

    /// Ends the conversation if a reply is late; the worker's tick asks.
    ///
    /// A sleep a request would not do: one that is cancelled keeps its memory until its time, and
    /// nodes have minutes.
    func expire(at now: ContinuousClock.Instant) {
        guard let late = deadlines.values.first(where: { $0.at <= now }) else { return }
        lose("no reply to \(late.kind.name) within \(late.limit)")
    }

    /// Takes messages from the control connection (or from `bulk`) until it ends.
    func receive(from lane: Lane) async {
        guard let connection = lane == .control ? control : bulk else { return }
        do {
            while true { try take(try await connection.receive()) }
        } catch let error as TransportError {
            lose(error)
        } catch {
            lose("\(error)")
        }
    }

    private func take(_ message: WireMessage) throws {
        report(.heard)
        switch try CoordinatorMessage(message) {
        case .push(let push): report(.pushed(push))
        case .unknownPush: break
        case .reply(let id, let reply, let tensors):
            if case .refused(let refusal) = reply, refusal.code == .sayHello {
                lose(refusal.description)
            }
            waiting[id]?.fulfil(.success(ReplyMessage(reply: reply, tensors: tensors)))
        }
    }

    /// Ends every wait and closes every connection.
    func lose(_ reason: String) { lose(ConversationError.lost(reason)) }

    private func lose(_ error: TransportError) {
        if case .notTrusted = error {
            lose(ConversationError.distrusted("\(error)"))
        } else {
            lose("\(error)")
        }
    }

    private func lose(_ loss: ConversationError) {
        guard self.loss == nil else { return }
        self.loss = loss
        control.close()
        bulk?.close()
        for promise in waiting.values {
            promise.fulfil(.failure(loss))
        }
        waiting = [:]
        report(.lost(loss.description))
    }
}

/// A slice's handle for those who want it to stop: its waits end at once, its computation at the
/// next exchange.
final class SliceTicket: Sendable {
    private struct State {
        var reason: StopReason?
        var promise: Promise<ReplyMessage>?
    }

    private let state = Mutex(State())

    /// Makes the slice stop; the first reason counts.
    func stop(_ reason: StopReason) {
        let promise = state.withLock { state -> Promise<ReplyMessage>? in
            guard state.reason == nil else { return nil }
            state.reason = reason
            return state.promise
        }
        promise?.fulfil(.failure(reason))
    }

    /// The slice waits for `promise` from now on.
    ///
    /// Throws the reason if it is to stop already.
    func wait(on promise: Promise<ReplyMessage>) throws(StopReason) {
        let reason = state.withLock { state in
            if state.reason == nil { state.promise = promise }
            return state.reason
        }
        if let reason { throw reason }
    }

    /// The slice waits no more.
    func endWait() { state.withLock { $0.promise = nil } }

    /// Throws the reason if the slice is to stop.
    func check() throws(StopReason) {
        if let reason = reason { throw reason }
    }

    /// Why the slice is to stop, if it is.
    var reason: StopReason? { state.withLock { $0.reason } }
}
