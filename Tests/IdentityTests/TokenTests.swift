import Identity
import Testing

/// Tokens and the codes that prove them.
@Suite struct TokenTests {
    private let authority = TokenAuthority(key: TokenKey())
    private let nonces = Nonces(
        peer: [UInt8](repeating: 1, count: 16), coordinator: [UInt8](repeating: 2, count: 16))

    private func proof(
        _ role: PeerRole = .worker, token: String = "b2", name: String = "b2"
    ) -> HelloProof {
        HelloProof(of: authority.key.token(for: role, name: token), name: name, nonces: nonces)
    }

    private func holds(
        _ proof: HelloProof, _ role: PeerRole = .worker, _ name: String = "b2",
        _ nonces: Nonces? = nil
    ) -> Bool {
        proof.holds(for: role, name: name, nonces: nonces ?? self.nonces, under: authority)
    }

    @Test func `a proof holds for its role, its name and its conversation only`() {
        let proof = proof()
        #expect(holds(proof))
        #expect(!holds(proof, .operator))
        #expect(!holds(proof, .viewer))
        #expect(!holds(proof, .worker, "b3"))
        #expect(!holds(proof, .worker, "b2.1"))
        var replayed = nonces
        replayed.coordinator[15] ^= 1
        #expect(!holds(proof, .worker, "b2", replayed))
        replayed = nonces
        replayed.peer[0] ^= 1
        #expect(!holds(proof, .worker, "b2", replayed))
        #expect(!holds(.none))
        let other = TokenAuthority(key: TokenKey())
        #expect(!proof.holds(for: .worker, name: "b2", nonces: nonces, under: other))
    }

    @Test func `one token serves several processes of its name, and no other name`() {
        #expect(holds(proof(name: "b2.1"), .worker, "b2.1"))
        #expect(holds(proof(token: "b2", name: "b2.rack.7"), .worker, "b2.rack.7"))
        #expect(!holds(proof(token: "b", name: "b2"), .worker, "b2"))
        #expect(!holds(proof(token: "b2", name: "c"), .worker, "c"))
    }

    @Test func `every bit of a proof counts`() {
        let proof = proof()
        for bit in 0..<256 {
            var bytes = proof.code.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let flipped = HelloProof(tokenID: proof.tokenID, code: Digest(bytes: bytes) ?? .zero)
            #expect(!holds(flipped))
        }
        for bit in 0..<128 {
            var id = proof.tokenID
            id[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!holds(HelloProof(tokenID: id, code: proof.code)))
        }
    }

    @Test func `a token reads as it was written, and nothing else is one`() throws {
        let token = authority.key.token(for: .viewer, name: "a-b_C9")
        #expect(Token(text: token.text) == token)
        #expect(Token(text: token.text + "\n") == token)
        for text in [
            "", "pleiad-token-1", token.text.replacing("viewer", with: "king"),
            token.text.replacing("token-1", with: "token-2"), String(token.text.dropLast()),
            token.text + " more", token.text.replacing("a-b_C9", with: "a.b"),
        ] {
            #expect(Token(text: text) == nil, "\(text)")
        }
        let key = authority.key
        #expect(TokenKey(text: key.text) == key)
        #expect(TokenKey(text: "ab") == nil)
        #expect(!"\(key)".contains(key.text))
    }

    /// Known answers, so that a peer in another language can be checked against them.
    @Test func `secrets and codes are those of the specification`() throws {
        let key = try #require(TokenKey(text: String(repeating: "0b", count: 32)))
        let id = [UInt8](0..<16)
        let secret = key.secret(of: .worker, name: "b2", id: id)
        let expected = hmacSHA256(
            key: [UInt8](repeating: 11, count: 32),
            message: Array("pleiad token 1".utf8) + [1] + id + Array("b2".utf8))
        #expect(secret == expected)
    }

    @Test func `a welcome proves the coordinator and what it says`() {
        let token = authority.key.token(for: .worker, name: "b2")
        var facts = WelcomeFacts(
            incarnation: 7, ticket: 9, configDigest: sha256("c"), dataDigest: sha256("d"),
            runFile: "method: mlcd")
        let code = facts.code(secret: token.secret, nonces: nonces)
        #expect(facts.holds(code, secret: token.secret, nonces: nonces))
        #expect(!facts.holds(.zero, secret: token.secret, nonces: nonces))
        let stranger = authority.key.token(for: .worker, name: "b2")
        #expect(!facts.holds(code, secret: stranger.secret, nonces: nonces))
        facts.runFile = "method: other"
        #expect(!facts.holds(code, secret: token.secret, nonces: nonces))
    }
}
