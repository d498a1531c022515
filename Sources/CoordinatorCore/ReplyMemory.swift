import Messages

/// An answer to a worker's request, as it can be given again.
enum Answer: Hashable, Sendable {
    /// A reply without tensors.
    case reply(Reply)
    /// The open step's version.
    case version(FetchVersion)
    /// A kept answer of an exchange.
    case exchange(ExchangeAnswer)
}

/// What became of a worker's requests, so that a repeated one gets the same reply and has no second
/// effect: a request is named by incarnation and request id.
///
/// Bounded: requests without a reply by the machine (see ``StepMachine``), given answers by
/// ``doneMax``. Heartbeats are left out, they may be heard twice.
struct ReplyMemory: Sendable {
    /// Answers remembered: a worker that repeats a request does so before it makes 64 others.
    static let doneMax = 64
    /// Connections that wait for the reply to one request: one for each time it was repeated.
    static let askersMax = 8

    /// What is known of a request.
    enum Verdict: Hashable, Sendable {
        /// It is new.
        case new
        /// It waits for its reply; this connection gets it too.
        case waiting
        /// It was answered so.
        case answered(Answer)
    }

    private var waiting: [RequestID: [ConnectionID]] = [:]
    private var done: [(request: RequestID, answer: Answer)] = []

    /// Requests without a reply.
    var waitingCount: Int { waiting.count }

    /// Takes a request in.
    mutating func take(_ request: RequestID, on connection: ConnectionID) -> Verdict {
        if let answer = done.last(where: { $0.request == request })?.answer {
            return .answered(answer)
        }
        guard var askers = waiting[request] else {
            waiting[request] = [connection]
            return .new
        }
        if !askers.contains(connection), askers.count < Self.askersMax {
            askers.append(connection)
            waiting[request] = askers
        }
        return .waiting
    }

    /// Remembers a request's answer; returns the connections that wait for it, in order.
    mutating func finish(_ request: RequestID, with answer: Answer) -> [ConnectionID] {
        guard let askers = waiting.removeValue(forKey: request) else { return [] }
        done.append((request, answer))
        if done.count > Self.doneMax { done.removeFirst() }
        return askers
    }

    /// Whether the request waits for its reply.
    func isWaiting(_ request: RequestID) -> Bool { waiting[request] != nil }
}
