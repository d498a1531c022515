/// Why bytes are not a valid frame, body or field list.
///
/// Every case names what was wrong; `description` is a sentence for people. A stream that has
/// carried such bytes cannot be trusted any further and is closed by its reader.
public enum WireError: Error, Equatable, Sendable {
    /// The first four bytes are not the magic of this protocol.
    case notPleiad(magic: UInt32)
    /// The header's own checksum does not match its bytes.
    case headerChecksum(stated: UInt32, computed: UInt32)
    /// The peer speaks another major version of the protocol.
    case unsupportedMajor(UInt8)
    /// A header field has a value that the protocol does not allow.
    case header(field: String, value: UInt64)
    /// A chunk does not continue the message whose chunks came before it.
    case chunkOutOfPlace(field: String, expected: UInt64, found: UInt64)
    /// The payload's checksum does not match its bytes.
    case payloadChecksum(stated: UInt32, computed: UInt32)
    /// The bytes end before the thing that they should hold.
    case truncated(field: String, needed: Int, available: Int)
    /// Bytes are left over after the last field.
    case trailingBytes(Int)
    /// A length or count from the wire is above its limit.
    case overLimit(field: String, value: UInt64, limit: Int)
    /// A value is outside the values its field can have.
    case invalidValue(field: String, value: UInt64)
    /// Text is not valid UTF-8.
    case invalidText(field: String)
    /// A tensor's element type is unknown.
    case unknownType(tensor: String, code: UInt8)
    /// A tensor's directory entry contradicts the body that it is in.
    case tensor(name: String, problem: String)
}

extension WireError: CustomStringConvertible {
    /// One sentence: what was wrong and with which numbers.
    public var description: String {
        switch self {
        case .notPleiad(let magic):
            "the bytes are not a Pleiad frame: they begin with \(hex(magic)), not with "
                + hex(FrameHeader.magic)
        case .headerChecksum(let stated, let computed):
            "the frame header is damaged: it states checksum \(hex(stated)), its bytes give "
                + hex(computed)
        case .unsupportedMajor(let major):
            "the peer speaks protocol \(major), this program speaks protocol "
                + "\(FrameHeader.currentMajor): run the same release on both sides"
        case .header(let field, let value):
            "the frame header's \(field) cannot be \(value)"
        case .chunkOutOfPlace(let field, let expected, let found):
            "a chunk does not continue its message: \(field) is \(found), expected \(expected)"
        case .payloadChecksum(let stated, let computed):
            "the frame payload is damaged: its header states checksum \(hex(stated)), its bytes "
                + "give \(hex(computed))"
        case .truncated(let field, let needed, let available):
            "the bytes end within \(field): \(needed) needed, \(available) there"
        case .trailingBytes(let count):
            "\(count) bytes are left over after the last field"
        case .overLimit(let field, let value, let limit):
            "\(field) is \(value), the limit is \(limit)"
        case .invalidValue(let field, let value):
            "\(field) cannot be \(value)"
        case .invalidText(let field):
            "\(field) is not valid UTF-8"
        case .unknownType(let tensor, let code):
            "tensor \(tensor) has the unknown element type \(code)"
        case .tensor(let name, let problem):
            "tensor \(name): \(problem)"
        }
    }

    private func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
