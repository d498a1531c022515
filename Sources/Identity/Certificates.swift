import CCrypto

/// A certificate with its private key, both as PEM text.
public struct CertifiedKey: Hashable, Sendable {
    /// The certificate (X.509, PEM).
    public var certificate: String
    /// The private key (PKCS 8, PEM, not encrypted).
    public var privateKey: String

    /// A certificate and its key.
    public init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}

/// Seconds since 1970 between which a certificate counts.
public struct Validity: Hashable, Sendable {
    /// The first second.
    public var from: Int
    /// The last second.
    public var until: Int

    /// From a second to a later one.
    public init(from: Int, until: Int) {
        self.from = from
        self.until = until
    }

    /// Whether it counts at a time, in seconds since 1970.
    public func contains(_ time: Int) -> Bool { (from...max(from, until)).contains(time) }
}

/// Why a certificate could not be made or used.
public enum CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is no certificate or no private key, or the two do not belong together.
    case malformed(what: String, problem: String)
    /// libcrypto could not do its work.
    case library(what: String, problem: String)

    /// What happened, in a sentence.
    public var description: String {
        switch self {
        case .malformed(let what, let problem): "\(what) cannot be used: \(problem)"
        case .library(let what, let problem): "\(what) failed in libcrypto: \(problem)"
        }
    }
}

/// What a certificate is for.
public enum CertificateUse: Hashable, Sendable {
    /// Signs others.
    case authority
    /// Shows that somebody is the coordinator, the fixed name ``coordinatorHostName``; it may also
    /// connect.
    case coordinator
    /// Connects to the coordinator, and cannot pose as it.
    case peer

    /// The extensions that say so, with their values in libcrypto's notation.
    fileprivate var extensions: [(Int32, String)] {
        let leaf = [
            (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_key_usage, "critical,digitalSignature"),
        ]
        switch self {
        case .authority:
            return [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ]
        case .coordinator:
            return leaf + [
                (NID_ext_key_usage, "serverAuth,clientAuth"),
                (NID_subject_alt_name, "DNS:\(coordinatorHostName)"),
            ]
        case .peer: return leaf + [(NID_ext_key_usage, "clientAuth")]
        }
    }
}

/// The name that only a coordinator's certificate carries, and that its peers insist on.
public let coordinatorHostName = "coordinator.pleiad"

extension CertifiedKey {
    /// A certificate for a fresh P-256 key, signed with ECDSA and SHA-256.
    ///
    /// - Parameters:
    ///   - name: the subject's common name.
    ///   - issuer: who signs it; nil to sign itself.
    public static func make(
        name: String, use: CertificateUse, validity: Validity, issuer: CertifiedKey? = nil
    ) throws(CertificateError) -> CertifiedKey {
        let key = try PrivateKey.make()
        let draft = try Certificate()
        let signer = try issuer.map { (issuer) throws(CertificateError) in
            (try Certificate(pem: issuer.certificate), try PrivateKey(pem: issuer.privateKey))
        }
        try draft.fill(name: name, key: key, validity: validity, issuer: signer?.0)
        for (identifier, value) in use.extensions {
            try draft.add(identifier, value, issuer: signer?.0)
        }
        try draft.add(NID_subject_key_identifier, "hash", issuer: signer?.0)
        try draft.add(NID_authority_key_identifier, "keyid", issuer: signer?.0)
        try draft.sign(with: signer?.1 ?? key)
        return CertifiedKey(certificate: try draft.pem(), privateKey: try key.pem())
    }

    /// Checks that certificate and key belong together and that `authority` signed the
    /// certificate; returns when it counts.
    public func check(authority: String) throws(CertificateError) -> Validity {
        let own = try Certificate(pem: certificate)
        guard try PrivateKey(pem: privateKey).belongs(to: own) else {
            throw .malformed(what: "the private key", problem: "it is not the certificate's")
        }
        guard try own.isSigned(by: Certificate(pem: authority)) else {
            throw .malformed(what: "the certificate", problem: "another authority has signed it")
        }
        return try own.validity()
    }
}

/// When a certificate in PEM counts.
public func validity(ofCertificate pem: String) throws(CertificateError) -> Validity {
    try Certificate(pem: pem).validity()
}
