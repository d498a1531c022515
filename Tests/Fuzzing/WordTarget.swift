import Identity
import Messages
import Transport

/// One line of text: tokens, token keys, addresses, names, digests.
enum WordTarget: Target {
    static let name = "words"

    /// What a line was taken for.
    struct Content {
        var token: Token?
        var key: TokenKey?
        var digest: Digest?
        var isAddress: Bool
        var isName: Bool
        var text: String
    }

    static func seeds() throws -> [[UInt8]] {
        let bytes = (0..<32).map { UInt8(7 * $0) }
        guard let key = TokenKey(text: hexText(bytes)) else { return [] }
        let id = Array(bytes[..<16])
        let secret = key.secret(of: .worker, name: "b2", id: id)
        let token = "pleiad-token-1 worker b2 \(hexText(id)) \(hexText(secret))"
        return [
            token, key.text, "tcp://127.0.0.1:4700", "tls+tcp://node7:0", "ipc:///tmp/x.sock",
            "tcp://[::1]:80", "b2.1",
        ].map { Array($0.utf8) }
    }

    static func read(_ input: [UInt8]) -> Content? {
        guard let text = String(validating: input, as: UTF8.self) else { return nil }
        let content = Content(
            token: Token(text: text), key: TokenKey(text: text), digest: Digest(hex: text),
            isAddress: (try? checkAddress(text)) != nil, isName: isValidPeerName(text), text: text)
        let isNothing =
            content.token == nil && content.key == nil && !content.isAddress && !content.isName
        return isNothing ? nil : content
    }

    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise) {
        if let token = content.token {
            try promise(Token(text: token.text) == token, "a token is written as another one")
            try promise(token.allows(name: token.name + ".2"), "a token refuses its own name")
        }
        if let key = content.key {
            try promise(TokenKey(text: key.text) == key, "a key is written as another one")
        }
        if let digest = content.digest {
            try promise(Digest(hex: digest.hex) == digest, "a digest is written as another one")
        }
        if content.isAddress {
            try promise(content.text.contains("://"), "an address without scheme")
        }
        if content.isName {
            try promise(
                input.count <= MessageLimits.nameBytes && input.allSatisfy { $0 < 0x80 },
                "a name that cannot be one")
        }
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 64 * input.count }
}
