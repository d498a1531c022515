/// The two random values of a conversation: fresh for each connection, so that what proves a peer
/// on one proves nothing on another.
public struct Nonces: Hashable, Sendable {
    /// The peer's, from its greet.
    public var peer: [UInt8]
    /// The coordinator's, from its greeting.
    public var coordinator: [UInt8]

    /// Both nonces of a conversation.
    public init(peer: [UInt8], coordinator: [UInt8]) {
        self.peer = peer
        self.coordinator = coordinator
    }
}

/// What a hello carries beside what the peer says of itself: which token it holds, and a code that
/// only a holder of the token can make (PROTOCOL.md, "Proof").
public struct HelloProof: Hashable, Sendable {
    /// The token's id; zeros without a token.
    public var tokenID: [UInt8]
    /// The code; zero without a token.
    public var code: Digest

    /// The proof of somebody without a token.
    public static let none = HelloProof(
        tokenID: [UInt8](repeating: 0, count: Token.idByteCount), code: .zero)

    /// A proof as it came.
    ///
    /// - Precondition: the id has sixteen bytes.
    public init(tokenID: [UInt8], code: Digest) {
        precondition(tokenID.count == Token.idByteCount, "the id of a token has 16 bytes")
        self.tokenID = tokenID
        self.code = code
    }

    /// The proof that the holder of `token`, under this name, takes part in this conversation.
    public init(of token: Token, name: String, nonces: Nonces) {
        self.init(
            tokenID: token.id,
            code: Self.code(
                secret: token.secret, role: token.role, name: name, id: token.id, nonces: nonces))
    }

    /// Whether it was made with the authority's token of this role and name.
    ///
    /// The token's name is the part of `name` before its first dot. Takes the same time whatever
    /// is wrong with the code.
    public func holds(
        for role: PeerRole, name: String, nonces: Nonces, under authority: TokenAuthority
    ) -> Bool {
        let secret = authority.key.secret(of: role, name: tokenName(of: name), id: tokenID)
        let expected = Self.code(
            secret: secret, role: role, name: name, id: tokenID, nonces: nonces)
        return isEqualInConstantTime(expected.bytes, code.bytes)
            && !authority.revoked.contains(tokenID)
    }

    private static func code(
        secret: [UInt8], role: PeerRole, name: String, id: [UInt8], nonces: Nonces
    ) -> Digest {
        var message = Array("pleiad hello 1".utf8) + nonces.peer + nonces.coordinator
        message += [role.rawValue] + id + Array(name.utf8)
        return authenticationCode(secret, message)
    }
}

/// What a welcome says that its receiver must be able to trust.
public struct WelcomeFacts: Hashable, Sendable {
    /// The peer's incarnation.
    public var incarnation: UInt64
    /// Opens bulk connections.
    public var ticket: UInt64
    /// Digest of the run's *bits* keys.
    public var configDigest: Digest
    /// Digest of the run's data.
    public var dataDigest: Digest
    /// The run file.
    public var runFile: String

    /// Facts of a welcome.
    public init(
        incarnation: UInt64, ticket: UInt64, configDigest: Digest, dataDigest: Digest,
        runFile: String
    ) {
        self.incarnation = incarnation
        self.ticket = ticket
        self.configDigest = configDigest
        self.dataDigest = dataDigest
        self.runFile = runFile
    }

    /// The code with which a coordinator proves that it knows the secret of the peer's token, and
    /// that these facts are its own.
    public func code(secret: [UInt8], nonces: Nonces) -> Digest {
        var message = Array("pleiad welcome 1".utf8) + nonces.peer + nonces.coordinator
        for number in [incarnation, ticket] {
            message += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        }
        message += configDigest.bytes + dataDigest.bytes + Array(runFile.utf8)
        return authenticationCode(secret, message)
    }

    /// Whether `code` was made by somebody who knows the secret.
    public func holds(_ code: Digest, secret: [UInt8], nonces: Nonces) -> Bool {
        isEqualInConstantTime(self.code(secret: secret, nonces: nonces).bytes, code.bytes)
    }
}

/// HMAC-SHA-256 as a digest.
private func authenticationCode(_ secret: [UInt8], _ message: [UInt8]) -> Digest {
    guard let code = Digest(bytes: hmacSHA256(key: secret, message: message)) else {
        preconditionFailure("HMAC-SHA-256 gives 32 bytes")
    }
    return code
}
