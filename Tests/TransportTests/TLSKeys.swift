import Foundation
import Identity
import Transport

/// Keys for these tests: made once, for both sides of a connection.
enum TLSKeys {
    static let now = Int(Date.now.timeIntervalSince1970)
    static let valid = Validity(from: now - 60, until: now + 3600)
    static let authority = Result { try make(.authority, "authority") }
    static let stranger = Result { try make(.authority, "another authority") }

    /// A certificate of the authority given.
    static func make(
        _ use: CertificateUse, _ name: String, by issuer: CertifiedKey? = nil,
        _ validity: Validity = valid
    ) throws -> CertifiedKey {
        try CertifiedKey.make(name: name, use: use, validity: validity, issuer: issuer)
    }

    /// What a side with this certificate shows; it trusts `trusted`.
    static func identity(_ key: CertifiedKey, trusting trusted: CertifiedKey) -> TLSIdentity {
        TLSIdentity(
            authority: trusted.certificate, certificate: key.certificate,
            privateKey: key.privateKey, listenerName: coordinatorHostName)
    }

    /// The sound identity of a coordinator and of a peer.
    static func sound() throws -> (coordinator: TLSIdentity, peer: TLSIdentity) {
        let authority = try authority.get()
        return (
            identity(try make(.coordinator, "c", by: authority), trusting: authority),
            identity(try make(.peer, "w", by: authority), trusting: authority)
        )
    }
}

/// A network that listens as the coordinator and dials as a worker.
struct SecureNetwork: Network {
    private let coordinator: NNGNetwork
    private let peer: NNGNetwork

    init(_ limits: ConnectionLimits) {
        let identities = try? TLSKeys.sound()  // without keys listening fails, and says so
        coordinator = NNGNetwork(limits: limits, identity: identities?.coordinator)
        peer = NNGNetwork(limits: limits, identity: identities?.peer)
    }

    func listen(_ url: String) async throws(TransportError) -> any Listener {
        try await coordinator.listen(url)
    }

    func dial(_ url: String, timeout: Duration) async throws(TransportError) -> any Connection {
        try await peer.dial(url, timeout: timeout)
    }
}
