/// A SHA-256 digest: 32 bytes that name a piece of content.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The length of every digest in bytes.
    public static let byteCount = 32

    /// Thirty-two zero bytes: stands for "nothing yet", is no content's digest in practice.
    public static let zero = Digest(words: (0, 0, 0, 0))

    /// The bytes as four big-endian words, so that comparing words compares bytes.
    private let word0, word1, word2, word3: UInt64

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (word0, word1, word2, word3) = words
    }

    /// A digest of exactly 32 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (position, byte) in bytes.enumerated() {
            words[position / 8] = words[position / 8] << 8 | UInt64(byte)
        }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    /// A digest of 64 hexadecimal digits in either case; nil for any other text.
    public init?(hex: some StringProtocol) {
        guard let bytes = Identity.bytes(hex: hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes in order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Digest.byteCount)
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return bytes
    }

    /// The 32 bytes as four integers, the lowest byte first: for files that hold numbers alone.
    public var littleEndianWords: [Int64] {
        [word0, word1, word2, word3].map { Int64(bitPattern: $0.byteSwapped) }
    }

    /// The 64 lower-case hexadecimal digits.
    public var hex: String { hexText(bytes) }

    /// The first 12 hexadecimal digits, for messages to people.
    public var shortHex: String { String(hex.prefix(12)) }

    /// The same as `hex`.
    public var description: String { hex }

    /// Orders digests as their bytes, first byte first.
    public static func < (a: Digest, b: Digest) -> Bool {
        (a.word0, a.word1, a.word2, a.word3) < (b.word0, b.word1, b.word2, b.word3)
    }
}

/// The lower-case hexadecimal digits of `bytes`, two each.
public func hexText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The value of one hexadecimal digit in ASCII; nil for any other byte.
func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
