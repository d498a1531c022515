public import Identity

/// What keys are issued for.
public enum KeyRole: Hashable, Sendable {
    /// The coordinator: a certificate that carries its fixed name, and the token key.
    case coordinator
    /// A peer: a certificate that can only connect, and a token.
    case peer(PeerRole)

    /// The role that is written so; nil for another word.
    public init?(name: String) {
        if name == "coordinator" {
            self = .coordinator
        } else if let role = PeerRole(name: name) {
            self = .peer(role)
        } else {
            return nil
        }
    }

    /// The role as commands write it.
    public var name: String {
        switch self {
        case .coordinator: "coordinator"
        case .peer(let role): role.name
        }
    }
}

/// The directory of a run's private authority: makes certificates and tokens.
///
/// It holds the authority's certificate and key and the token key. Who has it can let anybody in,
/// so it stays with the operator; hosts get what ``issue(_:as:validity:to:)`` makes.
public struct KeyAuthority: Sendable {
    /// The directory.
    public let directory: String
    private let key: CertifiedKey
    private let tokenKey: TokenKey

    /// Makes a new authority in a directory that is not there yet.
    public static func make(
        in directory: String, validity: Validity
    ) throws(KeysError) -> KeyAuthority {
        let key = try certificate("pleiad authority", .authority, validity, nil, directory)
        try write(
            to: directory,
            [
                (PeerKeys.File.authority, key.certificate, false),
                (PeerKeys.File.authorityKey, key.privateKey, true),
                (PeerKeys.File.tokenKey, TokenKey().text + "\n", true),
            ])
        return try KeyAuthority(directory: directory)
    }

    /// Opens an authority.
    public init(directory: String) throws(KeysError) {
        self.directory = directory
        key = CertifiedKey(
            certificate: try PeerKeys.required(
                directory, PeerKeys.File.authority, isSecret: false),
            privateKey: try PeerKeys.required(
                directory, PeerKeys.File.authorityKey, isSecret: true))
        let text = try PeerKeys.required(directory, PeerKeys.File.tokenKey, isSecret: true)
        guard let tokenKey = TokenKey(text: text) else {
            throw .malformed(
                path: PeerKeys.path(directory, PeerKeys.File.tokenKey),
                problem: "64 hexadecimal digits are expected")
        }
        self.tokenKey = tokenKey
    }

    /// What was issued.
    public struct Issued: Sendable {
        /// The directory that its holder gives as `--keys`.
        public var directory: String
        /// The id of its token; nil for a coordinator.
        public var tokenID: String?
    }

    /// Makes a keys directory for one holder: a certificate and a token, or for the coordinator the
    /// token key.
    ///
    /// - Parameter place: the directory to make; by default one of the holder's name in the
    ///   authority's directory.
    public func issue(
        _ name: String, as role: KeyRole, validity: Validity, to place: String? = nil
    ) throws(KeysError) -> Issued {
        guard isValidTokenName(name) else { throw .badName(name) }
        let place = place ?? PeerKeys.path(directory, name)
        let use: CertificateUse = role == .coordinator ? .coordinator : .peer
        let own = try Self.certificate(name, use, validity, key, place)
        var files = [
            (PeerKeys.File.authority, key.certificate, false),
            (PeerKeys.File.certificate, own.certificate, false),
            (PeerKeys.File.privateKey, own.privateKey, true),
        ]
        var token: Token?
        switch role {
        case .coordinator: files.append((PeerKeys.File.tokenKey, tokenKey.text + "\n", true))
        case .peer(let role):
            let made = tokenKey.token(for: role, name: name)
            token = made
            files.append((PeerKeys.File.token, made.text + "\n", true))
        }
        try Self.write(to: place, files)
        return Issued(directory: place, tokenID: token.map { hexText($0.id) })
    }

    /// Makes a token alone, for somebody who has a certificate or needs none.
    ///
    /// - Parameter file: where to write it; nil for nowhere.
    public func token(
        for role: PeerRole, name: String, to file: String? = nil
    ) throws(KeysError) -> Token {
        guard isValidTokenName(name) else { throw .badName(name) }
        let token = tokenKey.token(for: role, name: name)
        guard let file else { return token }
        do {
            try PrivateFile.create(file, token.text + "\n", isSecret: true)
        } catch {
            throw KeysError(error, path: file)
        }
        return token
    }

    private static func certificate(
        _ name: String, _ use: CertificateUse, _ validity: Validity, _ issuer: CertifiedKey?,
        _ place: String
    ) throws(KeysError) -> CertifiedKey {
        do {
            return try CertifiedKey.make(
                name: name, use: use, validity: validity, issuer: issuer)
        } catch {
            throw .failed(path: place, problem: error.description)
        }
    }

    /// Makes a directory that is not there yet, with these files.
    private static func write(
        to directory: String, _ files: [(name: String, text: String, isSecret: Bool)]
    ) throws(KeysError) {
        do {
            try PrivateFile.makeDirectory(directory)
        } catch {
            throw KeysError(error, path: directory)
        }
        for file in files {
            let path = PeerKeys.path(directory, file.name)
            do {
                try PrivateFile.create(path, file.text, isSecret: file.isSecret)
            } catch {
                throw KeysError(error, path: path)
            }
        }
    }
}
