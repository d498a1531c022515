/// What one side of a TLS connection shows and what it trusts, as PEM text.
///
/// Both sides show a certificate, and each insists that the same authority has signed the other's.
public struct TLSIdentity: Hashable, Sendable, CustomStringConvertible {
    /// Certificate of the authority that both sides trust.
    public var authority: String
    /// This side's certificate.
    public var certificate: String
    /// Its private key.
    public var privateKey: String
    /// The name that the certificate of the side that listens must carry, whatever its address is.
    public var listenerName: String

    /// An identity of these parts.
    public init(authority: String, certificate: String, privateKey: String, listenerName: String) {
        self.authority = authority
        self.certificate = certificate
        self.privateKey = privateKey
        self.listenerName = listenerName
    }

    /// Says nothing of the key: it may end up in a log.
    public var description: String { "an identity for TLS" }
}
