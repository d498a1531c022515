public import Identity
public import Messages
internal import Synchronization
public import Transport

/// Why a coordinator could not be asked.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody answers at the address.
    case nobodyThere(String)
    /// The coordinator said no.
    case refused(Refusal)
    /// The keys do not serve for this, or who answers does not know them.
    case untrusted(String)
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
        case .broken(let problem), .untrusted(let problem): problem
        }
    }
}

/// Asks a coordinator for its status, or to act: a connection of its own, a hello, one question.
public struct StatusClient: Sendable {
    /// The whole conversation takes milliseconds; a coordinator answers while it computes.
    public static let timeoutDefault = Duration.seconds(10)

    private let network: any Network
    private let url: String
    private let credential: Credential?
    private let timeout: Duration

    /// A client of the coordinator at `url`, which gives up after `timeout`.
    ///
    /// - Parameter credential: what it proves itself with; nil where the coordinator asks for no
    ///   tokens.
    public init(
        network: any Network, url: String, credential: Credential? = nil,
        timeout: Duration = StatusClient.timeoutDefault
    ) {
        self.network = network
        self.url = url
        self.credential = credential
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
        let answer = try await answer(to: .status, name: name, processID: processID)
        guard case .status(let document) = answer else {
            throw .broken("\(url) answered status with \(answer.kind.name)")
        }
        return document
    }

    /// Makes the coordinator act.
    ///
    /// - Parameters:
    ///   - steer: what it is to do; needs an operator's token where tokens are asked for.
    ///   - processID: as for `status`.
    public func ask(_ steer: Steer, processID: UInt32 = 0) async throws(ClientError) {
        let answer = try await answer(to: .steer(steer), name: "operator", processID: processID)
        guard case .accepted = answer else {
            throw .broken("\(url) answered steer with \(answer.kind.name)")
        }
    }

    private func answer(
        to request: Request, name: String, processID: UInt32
    ) async throws(ClientError) -> Reply {
        let identity = try identity(name)
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
            identity.role, name: identity.name, processID: processID,
            bodyBytesMax: ConnectionLimits.standard.maxBodyBytes)
        do throws(ClientError) {
            let answer = try await converse(connection, hello, identity.token, request)
            await takeLeave(of: connection)
            return answer
        } catch {
            guard isLate.withLock({ $0 }) else { throw error }
            throw .timedOut(url: url, after: timeout)
        }
    }

    private func dial() async throws(ClientError) -> any Connection {
        do throws(TransportError) {
            return try await network.dial(url, timeout: timeout)
        } catch {
            switch error {
            case .timedOut: throw .timedOut(url: url, after: timeout)
            case .unusableIdentity: throw .untrusted("\(error)")
            default: throw .nobodyThere("\(error)")
            }
        }
    }

    /// As whom a client speaks: its token's role and name, or an operator without a token.
    private func identity(
        _ name: String
    ) throws(ClientError) -> (role: PeerRole, name: String, token: Token?) {
        switch credential {
        case nil: return (.operator, name, nil)
        case .key(let key): return (.operator, name, key.token(for: .operator, name: name))
        case .token(let token):
            guard token.role != .worker else {
                throw .untrusted(
                    "the keys of \(token.name) are a worker's: looking needs keys of role viewer, "
                        + "acting keys of role operator")
            }
            return (token.role, "\(token.name).\(name)", token)
        }
    }

    /// Greet, hello, the question: one after the other.
    private func converse(
        _ connection: any Connection, _ hello: Hello, _ token: Token?, _ request: Request
    ) async throws(ClientError) -> Reply {
        let nobody = Incarnation(rawValue: 0)
        let greet = Greet.anew()
        let greeted = try await reply(connection, .greet(greet), id: 1, nobody)
        guard case .greeting(let greeting) = greeted else {
            throw .broken("\(url) answered a greeting with \(greeted.kind.name)")
        }
        let nonces = Nonces(peer: greet.nonce, coordinator: greeting.nonce)
        var hello = hello
        if let token { hello.proof = HelloProof(of: token, name: hello.name, nonces: nonces) }
        let welcomed = try await reply(connection, .hello(hello), id: 2, nobody)
        guard case .welcome(let welcome) = welcomed else {
            throw .broken("\(url) answered a hello with \(welcomed.kind.name)")
        }
        if let token, !welcome.isProved(by: token, nonces: nonces) {
            throw .untrusted(
                "the coordinator at \(url) does not prove itself with these keys: start it with "
                    + "the keys of the same authority, or check the address")
        }
        return try await reply(connection, request, id: 3, welcome.incarnation)
    }

    /// A courtesy, for half a second at most: under TLS the coordinator may not notice that a
    /// connection was closed, and holds it for a while.
    private func takeLeave(of connection: any Connection) async {
        async let _: Void = {
            try? await Task.sleep(for: .milliseconds(500))  // cancelled: it was heard
            connection.close()
        }()
        let goodbye = Request.goodbye(Goodbye(detail: "answered"))
        let message = goodbye.message(
            id: RequestID(rawValue: 4), incarnation: Incarnation(rawValue: 0))
        // The answer is there already; whoever does not hear the farewell sees the close.
        try? await connection.send(message)
        _ = try? await connection.receive()
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
