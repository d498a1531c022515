import Foundation
import Identity
import Keys
import Testing

/// The authority of a run, and what it issues.
@Suite final class KeysTests {
    private let now = Int(Date.now.timeIntervalSince1970)
    private let scratch: String
    private var valid: Validity { Validity(from: now - 60, until: now + 3600) }

    init() throws {
        scratch = NSTemporaryDirectory() + "pleiad-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: scratch) }  // best effort

    private func authority() throws -> KeyAuthority {
        try KeyAuthority.make(in: scratch + "/keys", validity: valid)
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `secrets can be read by their owner alone`() throws {
        let authority = try authority()
        let issued = try authority.issue("b2", as: .peer(.worker), validity: valid)
        #expect(try mode(authority.directory) == 0o700)
        #expect(try mode(issued.directory) == 0o700)
        for file in ["authority.key", "token.key", "b2/key.pem", "b2/token"] {
            #expect(try mode(authority.directory + "/" + file) == 0o600, "\(file)")
        }
    }

    @Test func `nothing is overwritten`() throws {
        let authority = try authority()
        let issued = try authority.issue("b2", as: .peer(.worker), validity: valid)
        let before = try String(contentsOfFile: issued.directory + "/token", encoding: .utf8)
        #expect(throws: KeysError.exists(path: issued.directory)) {
            try authority.issue("b2", as: .peer(.operator), validity: valid)
        }
        #expect(throws: KeysError.exists(path: authority.directory)) {
            try KeyAuthority.make(in: authority.directory, validity: valid)
        }
        #expect(throws: KeysError.exists(path: issued.directory + "/token")) {
            try authority.token(for: .viewer, name: "b2", to: issued.directory + "/token")
        }
        let after = try String(contentsOfFile: issued.directory + "/token", encoding: .utf8)
        #expect(before == after)
    }

    @Test func `a worker's keys prove its role and name to the coordinator's`() throws {
        let authority = try authority()
        let coordinator = try PeerKeys(
            directory: authority.issue("c", as: .coordinator, validity: valid).directory, now: now)
        let worker = try PeerKeys(
            directory: authority.issue("b2", as: .peer(.worker), validity: valid).directory,
            now: now)
        #expect(worker.authority == nil)
        #expect(worker.certificates != nil && coordinator.certificates != nil)
        let tokens = try #require(coordinator.authority)
        let nonces = Nonces(peer: [1], coordinator: [2])
        for name in ["b2", "b2.1"] {
            let token = try #require(worker.credential.token(for: .worker, name: name))
            let proof = HelloProof(of: token, name: name, nonces: nonces)
            #expect(proof.holds(for: .worker, name: name, nonces: nonces, under: tokens))
        }
        #expect(worker.credential.token(for: .operator, name: "b2") == nil)
        #expect(worker.credential.token(for: .worker, name: "b3") == nil)
    }

    @Test func `the token key speaks for every role and name`() throws {
        let authority = try authority()
        let coordinator = try PeerKeys(
            directory: authority.issue("c", as: .coordinator, validity: valid).directory, now: now)
        let tokens = try #require(coordinator.authority)
        let nonces = Nonces(peer: [1], coordinator: [2])
        for role in PeerRole.allCases {
            let token = try #require(coordinator.credential.token(for: role, name: "w1"))
            let proof = HelloProof(of: token, name: "w1", nonces: nonces)
            #expect(proof.holds(for: role, name: "w1", nonces: nonces, under: tokens))
        }
    }

    @Test func `a token that was taken back counts no more`() throws {
        let authority = try authority()
        let place = try authority.issue("c", as: .coordinator, validity: valid).directory
        let worker = try authority.issue("b2", as: .peer(.worker), validity: valid)
        let id = try #require(worker.tokenID)
        try "# taken back\n\(id) b2, 24 November\n".write(
            toFile: place + "/revoked", atomically: true, encoding: .utf8)
        let tokens = try #require(PeerKeys(directory: place, now: now).authority)
        let keys = try PeerKeys(directory: worker.directory, now: now)
        let token = try #require(keys.credential.token(for: .worker, name: "b2"))
        let nonces = Nonces(peer: [1], coordinator: [2])
        let proof = HelloProof(of: token, name: "b2", nonces: nonces)
        #expect(!proof.holds(for: .worker, name: "b2", nonces: nonces, under: tokens))
        try "nonsense\n".write(toFile: place + "/revoked", atomically: true, encoding: .utf8)
        #expect(throws: KeysError.self) { try PeerKeys(directory: place, now: now) }
    }

    @Test func `what cannot be used is refused by name before anybody connects`() throws {
        let authority = try authority()
        let path = try authority.issue("b2", as: .peer(.worker), validity: valid).directory
        #expect {
            try PeerKeys(directory: path, now: now + 7200)
        } throws: { error in
            if case KeysError.outOfDate(path + "/certificate.pem", _, _) = error {
                true
            } else {
                false
            }
        }
        let other = try KeyAuthority.make(in: scratch + "/other", validity: valid)
        let place = try other.issue("b2", as: .peer(.worker), validity: valid).directory
        try FileManager.default.removeItem(atPath: place + "/key.pem")
        try FileManager.default.copyItem(atPath: path + "/key.pem", toPath: place + "/key.pem")
        #expect(throws: KeysError.self) { try PeerKeys(directory: place, now: now) }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: path + "/token")
        #expect(throws: KeysError.readableByOthers(path: path + "/token")) {
            try PeerKeys(directory: path, now: now)
        }
        #expect(throws: KeysError.self) { try PeerKeys(directory: "/nowhere", now: now) }
    }

    @Test(arguments: ["", "a.b", "a/b", "..", String(repeating: "x", count: 49), "é"])
    func `a name that a token cannot have is refused`(name: String) throws {
        let authority = try authority()
        #expect(throws: KeysError.badName(name)) {
            try authority.issue(name, as: .peer(.worker), validity: valid)
        }
    }
}
