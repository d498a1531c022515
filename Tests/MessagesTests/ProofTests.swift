import Identity
import Messages
import Testing
import Wire

/// The proofs of the golden frames, which a peer in another language can check itself against.
@Suite struct ProofTests {
    @Test func `the golden hello proves its token`() throws {
        let authority = try #require(GoldenFrame.authority)
        let frame = try #require(
            GoldenFrame.variants.first { $0.kind == .hello && $0.variant == "token" })
        guard case .hello(let hello) = try Request(try FrameCodec.decode(frame.storedBytes()))
        else { throw Refusal(.malformedBody, "no hello") }
        #expect(
            hello.proof.holds(
                for: .worker, name: hello.name, nonces: GoldenFrame.nonces, under: authority))
        #expect(GoldenFrame.plainHello.proof == .none)
    }

    @Test func `the golden welcome proves the coordinator`() throws {
        let token = try #require(GoldenFrame.token)
        let frame = try #require(
            GoldenFrame.variants.first { $0.kind == .welcome && $0.variant == "token" })
        guard case .welcome(let welcome) = try Reply(try FrameCodec.decode(frame.storedBytes()))
        else { throw Refusal(.malformedBody, "no welcome") }
        #expect(welcome.isProved(by: token, nonces: GoldenFrame.nonces))
        #expect(!GoldenFrame.plainWelcome.isProved(by: token, nonces: GoldenFrame.nonces))
    }

    /// As made by another implementation (Python's hmac) from the specification alone.
    @Test func `codes are those that the specification gives`() throws {
        let token = try #require(GoldenFrame.token)
        #expect(
            hexText(token.secret)
                == "14a3d83c63e8bd28f4cd49826349114b674d5c4452c04ce33646c5be20e906a1")
        #expect(
            GoldenFrame.provenHello.proof.code.hex
                == "616e8f64c90f883382f37fb19666ae9d6002e09a0c1279c45ec6c85581734f96")
        #expect(
            GoldenFrame.provenWelcome.code.hex
                == "3b985af25ae67a41b0d028f55b58abeb883c558b0b9c900713748c94a6155fde")
    }
}
