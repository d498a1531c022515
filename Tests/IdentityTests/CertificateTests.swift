import Foundation
import Identity
import Testing

/// Certificates made through libcrypto, looked at by the `openssl` command where it is there.
@Suite struct CertificateTests {
    private let now = 1_800_000_000
    private var valid: Validity { Validity(from: now, until: now + 86_400) }

    @Test func `a certificate counts between its dates, also beyond 2049`() throws {
        for validity in [valid, Validity(from: now, until: 2_600_000_000)] {
            let key = try CertifiedKey.make(name: "a", use: .authority, validity: validity)
            #expect(try Identity.validity(ofCertificate: key.certificate) == validity)
        }
        #expect(valid.contains(now) && valid.contains(now + 86_400))
        #expect(!valid.contains(now - 1) && !valid.contains(now + 86_401))
    }

    @Test func `certificate, key and authority must belong together`() throws {
        let authority = try CertifiedKey.make(name: "a", use: .authority, validity: valid)
        let other = try CertifiedKey.make(name: "a", use: .authority, validity: valid)
        let first = try CertifiedKey.make(
            name: "w", use: .peer, validity: valid, issuer: authority)
        let second = try CertifiedKey.make(
            name: "w", use: .peer, validity: valid, issuer: authority)
        #expect(try first.check(authority: authority.certificate) == valid)
        #expect(throws: CertificateError.self) { try first.check(authority: other.certificate) }
        let mixed = CertifiedKey(
            certificate: first.certificate, privateKey: second.privateKey)
        #expect(throws: CertificateError.self) {
            try mixed.check(authority: authority.certificate)
        }
        let nonsense = CertifiedKey(certificate: "no", privateKey: "no")
        #expect(throws: CertificateError.self) {
            try nonsense.check(authority: authority.certificate)
        }
        #expect(throws: CertificateError.self) {
            try CertifiedKey.make(name: "w", use: .peer, validity: valid, issuer: nonsense)
        }
    }

    @Test func `only the coordinator's certificate carries its name and may listen`() throws {
        let authority = try CertifiedKey.make(name: "a", use: .authority, validity: valid)
        let coordinator = try text(.coordinator, by: authority)
        let peer = try text(.peer, by: authority)
        guard let coordinator, let peer else { return }
        #expect(coordinator.contains("DNS:coordinator.pleiad"))
        #expect(coordinator.contains("TLS Web Server Authentication"))
        #expect(!peer.contains("coordinator.pleiad"))
        #expect(!peer.contains("TLS Web Server Authentication"))
        #expect(peer.contains("TLS Web Client Authentication"))
        #expect(peer.contains("CA:FALSE"))
        #expect(peer.contains("prime256v1"))
    }

    /// What `openssl x509 -text` says of a certificate; nil where there is no such command.
    private func text(_ use: CertificateUse, by issuer: CertifiedKey) throws -> String? {
        let openssl = "/usr/bin/openssl"
        guard FileManager.default.isExecutableFile(atPath: openssl) else { return nil }
        let key = try CertifiedKey.make(name: "x", use: use, validity: valid, issuer: issuer)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: openssl)
        process.arguments = ["x509", "-text", "-noout"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(Data(key.certificate.utf8))
        try input.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
