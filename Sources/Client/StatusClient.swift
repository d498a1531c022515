public import Messages
internal import Synchronization
public import Transport

/// Why a coordinator could not be asked.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody answers at the address.
    case nobodyThere(String)
    /// The coordinator said no.
    case refused(Refusal)
    /// The answer did not come in time.
    case timedOut(url: String, after: Duration)
    /// The connection broke, or carried something else than an answer.
    case broken(String)

    /// What happened and what to do, in a sentence.
    public var description: String {
        switch self {
        case .nobodyThere(let problem): problem
        case .refused(let refusal): refusal.description
        case .timedOut(let url, let limit):
            "\(url) has not answered for \(limit): check that a coordinator listens there and is "
                + "not stopped"
        case .broken(let problem): problem
        }
    }
}

/// Asks a coordinator for its status: a connection of its own, a hello as client, one question.
public struct StatusClient: Sendable {
    /// The whole conversation takes milliseconds; a coordinator answers while it computes.
    public static let timeoutDefault = Duration.seconds(10)

    private let network: any Network
    private let url: String
    private let timeout: Duration

    /// A client of the coordinator at `url`, which gives up after `timeout`.
    public init(
        network: any Network, url: String, timeout: Duration = StatusClient.timeoutDefault
    ) {
        self.network = network
        self.url = url
        self.timeout = timeout
    }

    /// The status document, JSON text.
    ///
    /// - Parameters:
    ///   - name: under which the client appears in the coordinator's log.
    ///   - processID: the same.
    public func status(
        name: String = "status", processID: UInt32 = 0
    ) async throws(ClientError) -> String {
        let connection = try await dial()
        connection.raiseLimits(.standard)
        let isLate = Mutex(false)
        async let _: Void = {
            do {
                try await Task.sleep(for: timeout)
            } catch {
                return  // answered in time
            }
            isLate.withLock { $0 = true }
            connection.close()
        }()
        defer { connection.close() }
        let hello = Hello.client(
            name: name, processID: processID,
            bodyBytesMax: ConnectionLimits.standard.maxBodyBytes)
        do throws(ClientError) {
            return try await ask(connection, hello)
        } catch {
            guard isLate.withLock({ $0 }) else { throw error }
            throw .timedOut(url: url, after: timeout)
        }
    }

    private func dial() async throws(ClientError) -> any Connection {
        do throws(TransportError) {
            return try await network.dial(url, timeout: timeout)
        } catch {
            if case .timedOut = error { throw .timedOut(url: url, after: timeout) }
            throw .nobodyThere("\(error)")
        }
    }

    /// Greet, hello, status: one question after the other.
    private func ask(
        _ connection: any Connection, _ hello: Hello
    ) async throws(ClientError) -> String {
        _ = try await reply(connection, .greet(.anew()), id: 1, .init(rawValue: 0))
        let welcomed = try await reply(connection, .hello(hello), id: 2, .init(rawValue: 0))
        guard case .welcome(let welcome) = welcomed else {
            throw .broken("\(url) answered a hello with \(welcomed.kind.name)")
        }
        let answer = try await reply(connection, .status, id: 3, welcome.incarnation)
        guard case .status(let document) = answer else {
            throw .broken("\(url) answered status with \(answer.kind.name)")
        }
        return document
    }

    private func reply(
        _ connection: any Connection, _ request: Request, id: UInt64, _ incarnation: Incarnation
    ) async throws(ClientError) -> Reply {
        let message = request.message(id: RequestID(rawValue: id), incarnation: incarnation)
        do {
            try await connection.send(message)
            while true {
                // A client has nothing to do with pushes.
                guard
                    case .reply(RequestID(rawValue: id), let reply, tensors: _) =
                        try CoordinatorMessage(try await connection.receive())
                else { continue }
                guard case .refused(let refusal) = reply else { return reply }
                throw refusal
            }
        } catch let refusal as Refusal {
            throw .refused(refusal)
        } catch {
            throw .broken("\(error)")
        }
    }
}
