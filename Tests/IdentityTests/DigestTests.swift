import Identity
import Testing

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives the digests of FIPS 180-4`(text: String, expected: String) {
        #expect(sha256(text).hex == expected)
    }

    @Test func `hashing in pieces gives the digest of the whole`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for cut in [0, 1, 63, 64, 65, 500, 1000] {
            var hasher = SHA256Hasher()
            hasher.update(Array(bytes[..<cut]))
            hasher.update(Array(bytes[cut...]))
            #expect(hasher.finalize() == sha256(bytes))
        }
    }

    @Test func `a copied hasher goes its own way, and a finished one can go on`() {
        var first = SHA256Hasher()
        first.update("ab")
        var second = first
        second.update("d")
        _ = first.finalize()
        first.update("c")
        #expect(first.finalize() == sha256("abc"))
        #expect(second.finalize() == sha256("abd"))
    }

    @Test func `bytes and hexadecimal text name the same digest`() throws {
        let digest = sha256("pleiad")
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest(hex: digest.hex.uppercased()) == digest)
        #expect(digest.shortHex == String(digest.hex.prefix(12)))
    }

    @Test(arguments: [
        "", "00", String(repeating: "g", count: 64), String(repeating: "0", count: 65),
    ])
    func `text that is not 64 hexadecimal digits is no digest`(text: String) {
        #expect(Digest(hex: text) == nil)
        #expect(Digest(bytes: Array(text.utf8)) == nil || text.utf8.count == 32)
    }

    @Test func `digests are ordered as their bytes`() throws {
        var digests = (0..<50).map { sha256("\($0)") }
        digests.sort()
        for (a, b) in zip(digests, digests.dropFirst()) {
            #expect(a.bytes.lexicographicallyPrecedes(b.bytes))
        }
        #expect(Digest.zero < digests[0])
    }

    // RFC 4231 test cases 1, 2, 6, and an empty key.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func `HMAC-SHA-256 gives the codes of RFC 4231`(key: [UInt8], text: String, expected: String) {
        let code = hmacSHA256(key: key, message: Array(text.utf8))
        #expect(hexText(code) == expected)
    }

    @Test func `random bytes come in the asked number and differ`() {
        #expect(secureRandomBytes(0) == [])
        #expect(secureRandomBytes(33).count == 33)
        #expect(secureRandomBytes(32) != secureRandomBytes(32))
    }

    @Test func `secrets are compared whole`() {
        #expect(isEqualInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!isEqualInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!isEqualInConstantTime([1, 2, 3], [1, 2]))
    }
}
