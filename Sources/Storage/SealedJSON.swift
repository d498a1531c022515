import Buffers

/// JSON text that carries its own checksum: an object whose last member is `crc`.
///
/// The CRC-32C of all bytes before that member, eight hexadecimal digits. Plain tools read it as
/// JSON; a changed byte anywhere, the checksum's own included, is found.
enum SealedJSON {
    /// How the last member is written.
    enum Layout {
        /// For lines of logs.
        case line
        /// For files that people look at.
        case indented

        fileprivate var before: String {
            switch self {
            case .line: ",\"crc\":\""
            case .indented: ",\n  \"crc\": \""
            }
        }

        fileprivate var after: String {
            switch self {
            case .line: "\"}\n"
            case .indented: "\"\n}\n"
            }
        }
    }

    /// The sealed bytes of an object that has members and no `crc` among them.
    static func seal(_ object: JSONValue, _ layout: Layout) -> [UInt8] {
        precondition(object.members?.isEmpty == false, "only an object with members is sealed")
        precondition(object["crc"] == nil, "the key crc is taken")
        let text =
            switch layout {
            case .line: object.text.dropLast(1)
            case .indented: object.indentedText.dropLast(2)
            }
        let body = Array(text.utf8)
        let sum = hexDigits(CRC32C.checksum(body))
        return body + Array(layout.before.utf8) + sum + Array(layout.after.utf8)
    }

    /// The object in sealed bytes, without its `crc`.
    static func open(_ bytes: [UInt8], _ layout: Layout) throws(StorageProblem) -> JSONValue {
        let suffixCount = layout.before.utf8.count + 8 + layout.after.utf8.count
        guard bytes.count > suffixCount else { throw StorageProblem("is too short") }
        let body = Array(bytes.dropLast(suffixCount))
        let sum = hexDigits(CRC32C.checksum(body))
        let suffix = Array(layout.before.utf8) + sum + Array(layout.after.utf8)
        guard bytes.suffix(suffixCount).elementsEqual(suffix) else {
            throw StorageProblem("does not match its checksum")
        }
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes)
            guard let members = value.members else {
                throw JSONError(offset: 0, reason: "the value is no object")
            }
            return .object(members.dropLast())
        } catch {
            throw StorageProblem("is \(error.description)")
        }
    }

    /// The eight hexadecimal digits of a checksum.
    static func hexDigits(_ sum: UInt32) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return stride(from: 28, through: 0, by: -4).map { digits[Int(sum >> UInt32($0) & 15)] }
    }
}
