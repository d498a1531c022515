import Foundation
public import Identity

/// A keys directory as a coordinator, a worker or a client uses it.
///
/// | file | what |
/// | --- | --- |
/// | `authority.pem` | certificate of the run's authority, which both sides trust |
/// | `certificate.pem`, `key.pem` | this side's certificate and private key |
/// | `token` | a peer's token: role, name and secret |
/// | `token.key` | the coordinator's, instead: the key to all tokens |
/// | `revoked` | optional, the coordinator's: ids of tokens that count no more, one a line |
public struct PeerKeys: Sendable {
    /// Names of the files.
    public enum File {
        /// Certificate of the authority.
        public static let authority = "authority.pem"
        /// Private key of the authority.
        public static let authorityKey = "authority.key"
        /// Own certificate.
        public static let certificate = "certificate.pem"
        /// Own private key.
        public static let privateKey = "key.pem"
        /// A peer's token.
        public static let token = "token"
        /// The key to all tokens.
        public static let tokenKey = "token.key"
        /// Ids of tokens that count no more.
        public static let revoked = "revoked"
    }

    /// What TLS needs: nil in a directory without certificate.
    public struct Certificates: Sendable {
        /// Certificate of the authority.
        public var authority: String
        /// Own certificate and key.
        public var own: CertifiedKey
    }

    /// The directory.
    public let directory: String
    /// For TLS; nil if there is no certificate in the directory.
    public let certificates: Certificates?
    /// What this side proves itself with.
    public let credential: Credential
    /// What a coordinator checks peers by; nil without token key.
    public let authority: TokenAuthority?

    /// Reads and checks a keys directory.
    ///
    /// - Parameter now: seconds since 1970, for the certificate's dates.
    public init(directory: String, now: Int) throws(KeysError) {
        self.directory = directory
        certificates = try Self.certificates(directory, now: now)
        let keyPath = Self.path(directory, File.tokenKey)
        if let text = try Self.optional(keyPath, isSecret: true) {
            guard let key = TokenKey(text: text) else {
                throw .malformed(path: keyPath, problem: "64 hexadecimal digits are expected")
            }
            credential = .key(key)
            authority = TokenAuthority(key: key, revoked: try Self.revoked(directory))
            return
        }
        let path = Self.path(directory, File.token)
        guard let text = try Self.optional(path, isSecret: true) else {
            throw .missing(
                path: path, what: "a keys directory is made by 'pleiad keys issue DIR NAME'")
        }
        guard let token = Token(text: text) else {
            throw .malformed(path: path, problem: "it is no token")
        }
        credential = .token(token)
        authority = nil
    }

    private static func certificates(
        _ directory: String, now: Int
    ) throws(KeysError) -> Certificates? {
        let path = path(directory, File.certificate)
        guard let certificate = try optional(path, isSecret: false) else { return nil }
        let own = CertifiedKey(
            certificate: certificate,
            privateKey: try required(directory, File.privateKey, isSecret: true))
        let authority = try required(directory, File.authority, isSecret: false)
        let validity: Validity
        do {
            validity = try own.check(authority: authority)
        } catch {
            throw .malformed(path: path, problem: error.description)
        }
        guard validity.contains(now) else {
            throw .outOfDate(
                path: path, from: utcText(validity.from), until: utcText(validity.until))
        }
        return Certificates(authority: authority, own: own)
    }

    private static func revoked(_ directory: String) throws(KeysError) -> Set<[UInt8]> {
        let path = path(directory, File.revoked)
        var ids: Set<[UInt8]> = []
        let lines = try optional(path, isSecret: false)?.split(separator: "\n") ?? []
        for (number, line) in lines.enumerated() {
            // What stands after the id is for people.
            guard let word = line.split(separator: " ").first, !word.hasPrefix("#") else {
                continue
            }
            guard let id = bytes(hex: word), id.count == Token.idByteCount else {
                throw .malformed(path: path, problem: "line \(number + 1) begins with no token id")
            }
            ids.insert(id)
        }
        return ids
    }

    static func path(_ directory: String, _ file: String) -> String { directory + "/" + file }

    static func required(
        _ directory: String, _ file: String, isSecret: Bool
    ) throws(KeysError) -> String {
        let path = path(directory, file)
        guard let text = try optional(path, isSecret: isSecret) else {
            throw .missing(path: path, what: "make the directory anew with 'pleiad keys'")
        }
        return text
    }

    /// The text of a file; nil if there is none.
    static func optional(_ path: String, isSecret: Bool) throws(KeysError) -> String? {
        do {
            return try PrivateFile.read(path, isSecret: isSecret)
        } catch {
            if case .missing = error { return nil }
            throw KeysError(error, path: path)
        }
    }
}

extension KeysError {
    /// A problem with a file, where it arose.
    init(_ problem: PrivateFile.Problem, path: String) {
        self =
            switch problem {
            case .exists: .exists(path: path)
            case .missing: .missing(path: path, what: "the folder above it is not there")
            case .readableByOthers: .readableByOthers(path: path)
            case .tooLarge: .malformed(path: path, problem: "it is too large")
            case .system(let reason): .failed(path: path, problem: reason)
            }
    }
}

/// A time as `2026-11-24T20:15:00Z`.
public func utcText(_ seconds: Int) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
}
