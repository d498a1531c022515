/// What lets a peer in: a role and a name, and a secret that only the coordinator can derive.
///
/// A coordinator keeps no list of tokens: the secret follows from its token key and from what the
/// token says (see ``TokenKey``), so that a token made after its start is as good as an older one.
public struct Token: Hashable, Sendable {
    /// The length of an id in bytes.
    public static let idByteCount = 16

    /// What its holder may do.
    public var role: PeerRole
    /// Who its holder is; a peer's name is this one, or this one with a dot and more.
    public var name: String
    /// Sixteen bytes that tell it from every other token, also of the same name.
    public var id: [UInt8]
    /// Thirty-two bytes; never travels.
    public var secret: [UInt8]

    /// The line that stands in a token file.
    public var text: String {
        "pleiad-token-1 \(role.name) \(name) \(hexText(id)) \(hexText(secret))"
    }

    /// A token of these parts.
    init(role: PeerRole, name: String, id: [UInt8], secret: [UInt8]) {
        self.role = role
        self.name = name
        self.id = id
        self.secret = secret
    }

    /// A token as it stands in a token file, with or without the line's end; nil for another text.
    public init?(text: some StringProtocol) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 5, words[0] == "pleiad-token-1", let role = PeerRole(name: words[1]),
            isValidTokenName(words[2]), let id = bytes(hex: words[3]),
            id.count == Self.idByteCount, let secret = bytes(hex: words[4]),
            secret.count == Digest.byteCount
        else { return nil }
        self.init(role: role, name: String(words[2]), id: id, secret: secret)
    }

    /// Whether a peer with this token may call itself so.
    public func allows(name: String) -> Bool { tokenName(of: name) == self.name }
}

/// The part of a peer's name that its token must have: all that stands before the first dot.
///
/// So one token serves several processes of a host: `b2.1`, `b2.2`.
public func tokenName(of name: String) -> String {
    String(name.prefix { $0 != "." })
}

/// Whether a token can have this name: 1 to 48 letters, digits, dashes, underscores (ASCII).
///
/// A dot would make `b.2` mean both a token and a process of token `b`.
public func isValidTokenName(_ name: some StringProtocol) -> Bool {
    (1...48).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
}

/// The coordinator's secret, from which the secrets of all its tokens follow.
public struct TokenKey: Hashable, Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    /// A fresh key.
    public init() { bytes = secureRandomBytes(Digest.byteCount) }

    /// A key as its file has it: 64 hexadecimal digits; nil for another text.
    public init?(text: some StringProtocol) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let bytes = Identity.bytes(hex: words[0]),
            bytes.count == Digest.byteCount
        else { return nil }
        self.bytes = bytes
    }

    /// What its file has.
    public var text: String { hexText(bytes) }

    /// Says nothing of the key: it may end up in a log.
    public var description: String { "a token key" }

    /// A new token.
    ///
    /// - Precondition: `isValidTokenName(name)`.
    public func token(for role: PeerRole, name: String) -> Token {
        precondition(isValidTokenName(name), "a token cannot be named \(name)")
        let id = secureRandomBytes(Token.idByteCount)
        return Token(role: role, name: name, id: id, secret: secret(of: role, name: name, id: id))
    }

    /// The secret of the token with this role, name and id: HMAC-SHA-256 over the words
    /// `pleiad token 1`, the role's number, the id, and the name.
    public func secret(of role: PeerRole, name: String, id: [UInt8]) -> [UInt8] {
        let message = Array("pleiad token 1".utf8) + [role.rawValue] + id + Array(name.utf8)
        return hmacSHA256(key: bytes, message: message)
    }

    /// Sixteen bytes for a greeting that nobody without the key can foretell.
    public func nonce(from seed: String) -> [UInt8] {
        Array(hmacSHA256(key: bytes, message: Array("pleiad nonce 1 \(seed)".utf8)).prefix(16))
    }
}

/// What a coordinator takes in: every token of its key but those that were taken back.
public struct TokenAuthority: Hashable, Sendable {
    /// The key.
    public var key: TokenKey
    /// Ids of tokens that count no more.
    public var revoked: Set<[UInt8]>

    /// An authority over the tokens of `key`.
    public init(key: TokenKey, revoked: Set<[UInt8]> = []) {
        self.key = key
        self.revoked = revoked
    }
}

/// What a peer proves itself with: a token, or the key to all of them (on the coordinator's host).
public enum Credential: Hashable, Sendable {
    /// One token.
    case token(Token)
    /// The token key: whoever holds it makes the token that is needed.
    case key(TokenKey)

    /// The token for a peer of this role and name.
    ///
    /// Nil if the token is for another role or name.
    public func token(for role: PeerRole, name: String) -> Token? {
        switch self {
        case .token(let token):
            return token.role == role && token.allows(name: name) ? token : nil
        case .key(let key):
            let name = tokenName(of: name)
            return isValidTokenName(name) ? key.token(for: role, name: name) : nil
        }
    }
}

/// The bytes that hexadecimal digits stand for, two each; nil for another text.
public func bytes(hex: some StringProtocol) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
        guard let high = hexValue(digits[place]), let low = hexValue(digits[place + 1]) else {
            return nil
        }
        bytes.append(high << 4 | low)
    }
    return bytes
}
