import Identity
import Messages

// The hello and the welcome of the golden frames, without and with a token.
extension GoldenFrame {
    /// What hello says before its proof.
    static let helloFields = [
        "role u8 = 1 (worker)", "name string = b2", "host string = node7/4711",
        "process id u32 = 4711", "program version string = 0.1.0", "features u64 = 0",
        "body bytes u64 = 1073741824", "slots u16 = 2", "fingerprint digest = 32 bytes a1",
        "config digest = 32 bytes 00", "data digest = 32 bytes 00",
    ]

    /// Worker b2 without a token.
    static let plainHello = Hello(
        role: .worker, name: "b2", host: "node7/4711", processID: 4711, programVersion: "0.1.0",
        features: 0, bodyBytesMax: 1 << 30, slots: 2, fingerprint: digest(of: 0xa1),
        configDigest: .zero, dataDigest: .zero)

    /// What welcome says before its code.
    static let welcomeFields = [
        "incarnation u64 = 3 << 32 | 7", "ticket u64 = 0x1122334455667788",
        "heartbeat milliseconds u32 = 250", "body bytes u64 = 1073741824",
        "run file string = method: mlcd and a newline", "config digest = 32 bytes b2",
        "data digest = 32 bytes c3",
    ]

    /// The welcome where no tokens are asked for.
    static let plainWelcome = Welcome(
        incarnation: Incarnation(epoch: 3, counter: 7), ticket: 0x1122_3344_5566_7788,
        heartbeatMilliseconds: 250, bodyBytesMax: 1 << 30, runFile: "method: mlcd\n",
        configDigest: digest(of: 0xb2), dataDigest: digest(of: 0xc3))

    /// The nonces of the vectors greet and greeting.
    static let nonces = Nonces(peer: nonce, coordinator: nonce)

    /// A token key of 32 bytes 0b.
    static let authority = TokenKey(text: String(repeating: "0b", count: 32)).map {
        TokenAuthority(key: $0)
    }

    /// The token of worker b2 whose id is the bytes 0 to 15, under that key.
    static let token: Token? = {
        let id = (0..<16).map { UInt8($0) }
        guard let key = authority?.key else { return nil }
        let secret = key.secret(of: .worker, name: "b2", id: id)
        return Token(text: "pleiad-token-1 worker b2 \(hexText(id)) \(hexText(secret))")
    }()

    /// Worker b2 with its token.
    static let provenHello: Hello = {
        var hello = plainHello
        if let token { hello.proof = HelloProof(of: token, name: "b2", nonces: nonces) }
        return hello
    }()

    /// The welcome to worker b2 with its token.
    static let provenWelcome: Welcome = {
        var welcome = plainWelcome
        if let token { welcome.code = welcome.facts.code(secret: token.secret, nonces: nonces) }
        return welcome
    }()
}
