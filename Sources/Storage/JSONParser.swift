/// Why bytes are no JSON, and where.
struct JSONError: Error {
    var offset: Int
    var reason: String
    var description: String { "no JSON at byte \(offset): \(reason)" }
}

/// Levels of lists and objects that a value may have.
private let jsonDepthMax = 64

extension JSONValue {
    /// Parses bytes that are one JSON value and nothing else.
    ///
    /// Strict: a key twice in an object, text that is not UTF-8, half a surrogate pair, a number
    /// too large for a double and more than 64 levels are refused. Time and memory grow with the
    /// number of bytes, which the caller bounds.
    init(parsing bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }
}

/// A recursive descent over bytes.
private struct JSONParser {
    let bytes: [UInt8]
    var offset = 0

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw error("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= jsonDepthMax else { throw error("more than \(jsonDepthMax) levels") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object(try object(depth))
        case UInt8(ascii: "["): return .array(try array(depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("a value is expected")
        }
    }

    private mutating func object(_ depth: Int) throws(JSONError) -> [JSONMember] {
        var members: [JSONMember] = []
        var keys: Set<String> = []
        offset += 1
        skipSpace()
        if skip(UInt8(ascii: "}")) { return members }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a key is expected") }
            let key = try string()
            guard keys.insert(key).inserted else { throw error("the key \(key) stands twice") }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw error("a colon is expected") }
            members.append(JSONMember(key, try value(depth: depth + 1)))
            skipSpace()
            if skip(UInt8(ascii: "}")) { return members }
            guard skip(UInt8(ascii: ",")) else { throw error("a comma or } is expected") }
        }
    }

    private mutating func array(_ depth: Int) throws(JSONError) -> [JSONValue] {
        var values: [JSONValue] = []
        offset += 1
        skipSpace()
        if skip(UInt8(ascii: "]")) { return values }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if skip(UInt8(ascii: "]")) { return values }
            guard skip(UInt8(ascii: ",")) else { throw error("a comma or ] is expected") }
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[offset...].starts(with: word.utf8) else { throw error("a value is expected") }
        offset += word.utf8.count
        return value
    }

    /// A number, by the grammar `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`.
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        var isInteger = true
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isInteger = false
            if !skip(UInt8(ascii: "-")) { _ = skip(UInt8(ascii: "+")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw error("a number too large") }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        let start = offset
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(peek) { offset += 1 }
        guard offset > start else { throw error("a digit is expected") }
    }

    private mutating func string() throws(JSONError) -> String {
        var text: [UInt8] = []
        offset += 1
        while true {
            guard offset < bytes.count else { throw error("a text does not end") }
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let valid = String(validating: text, as: UTF8.self) else {
                    throw error("a text is not UTF-8")
                }
                return valid
            case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
            case 0..<0x20: throw error("a control character in a text")
            default: text.append(byte)
            }
        }
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let letter = peek
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexUnit()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard UTF16.isLeadSurrogate(UInt16(unit)), skip(UInt8(ascii: "\\")),
                skip(UInt8(ascii: "u"))
            else { throw error("half a surrogate pair") }
            let second = try hexUnit()
            guard UTF16.isTrailSurrogate(UInt16(second)),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (second - 0xdc00))
            else { throw error("half a surrogate pair") }
            return scalar
        default: throw error("an unknown escape")
        }
    }

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        let end = offset + 4
        guard end <= bytes.count,
            bytes[offset..<end].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let unit = UInt32(String(decoding: bytes[offset..<end], as: UTF8.self), radix: 16)
        else { throw error("four hexadecimal digits are expected") }
        offset = end
        return unit
    }

    /// The next byte; 0, which no value begins with, at the end.
    private var peek: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte, offset < bytes.count else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[offset]) { offset += 1 }
    }

    private func error(_ reason: String) -> JSONError {
        JSONError(offset: offset, reason: reason)
    }
}

extension JSONValue {
    /// Parses a text that is one JSON value and nothing else.
    ///
    /// Strict: a key twice in an object, half a surrogate pair, a number too large for a double and
    /// more than 64 levels are refused.
    ///
    /// - Parameters:
    ///   - text: of a size that the caller has bounded.
    ///   - path: where it comes from, for messages.
    public init(parsing text: String, path: String = "JSON") throws(StorageError) {
        do throws(JSONError) {
            try self.init(parsing: Array(text.utf8))
        } catch {
            throw .malformed(path: path, reason: error.description)
        }
    }
}
