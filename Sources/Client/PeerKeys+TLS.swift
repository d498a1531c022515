internal import Identity
public import Keys
public import Transport

extension PeerKeys {
    /// What this side shows and trusts under TLS; nil without certificate.
    public var identity: TLSIdentity? {
        certificates.map { certificates in
            TLSIdentity(
                authority: certificates.authority, certificate: certificates.own.certificate,
                privateKey: certificates.own.privateKey, listenerName: coordinatorHostName)
        }
    }
}
