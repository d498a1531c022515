/// The most that a field of a message may hold (PROTOCOL.md, "Limits"): checked on arrival, and by
/// `precondition` or by cutting free text before sending.
public enum MessageLimits {
    /// Bytes of a worker's name: it stands in tables on a terminal.
    public static let nameBytes = 64
    /// Bytes of host, program version: for people.
    public static let labelBytes = 256
    /// Bytes of a sentence for people.
    public static let detailBytes = 4096
    /// Bytes of a run file as resolved.
    public static let runFileBytes = 1 << 20
    /// Bytes of the status document: a thousand workers take a fraction of it.
    public static let statusBytes = 8 << 20
    /// Bytes of a nonce, exactly.
    public static let nonceBytes = 16
    /// Samples of one slice.
    public static let samples = 1 << 20
    /// Hinted slices of a lease.
    public static let hints = 256
    /// Compute slots of a worker.
    public static let slots = 1024
    /// Slices of a step, and so leaves of a node.
    public static let slices = 65_536
    /// Data shards that a worker names.
    public static let shards = 65_536
    /// Tensors of an exchange, of a result.
    public static let tensors = 1024
    /// Largest step number and data epoch.
    public static let steps: UInt64 = 1 << 40
    /// Largest count of bytes that a field may state.
    public static let statedBytes: UInt64 = 1 << 50
}

/// The rule for names, as a part of a sentence.
public let peerNameRule =
    "a name has 1 to \(MessageLimits.nameBytes) letters, digits, '.', '-' or '_'"

/// Whether `name` can be a worker's or client's name: 1 to 64 letters, digits, dots, dashes and
/// underscores of ASCII.
public func isValidPeerName(_ name: String) -> Bool {
    let bytes = name.utf8
    guard bytes.count >= 1, bytes.count <= MessageLimits.nameBytes else { return false }
    return bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension String {
    /// The longest prefix of whole characters within so many bytes.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var kept = 0
        return String(
            prefix { character in
                kept += character.utf8.count
                return kept <= limit
            })
    }
}
