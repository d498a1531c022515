import Buffers

/// Text that carries its own checksum: its last line is `# crc32c` and the CRC-32C of all bytes
/// before that line, eight hexadecimal digits.
///
/// A comment to readers of YAML. A changed byte anywhere, in the last line too, is found.
enum SealedText {
    private static let before = "# crc32c "
    private static let suffixCount = before.utf8.count + 8 + 1

    /// The sealed bytes of text that is empty or ends in a newline.
    static func seal(_ text: String) -> [UInt8] {
        precondition(text.isEmpty || text.hasSuffix("\n"), "the last line does not end")
        let body = Array(text.utf8)
        return body + suffix(of: body)
    }

    /// The text in sealed bytes, without the line of the checksum.
    static func open(_ bytes: [UInt8]) throws(StorageProblem) -> String {
        guard bytes.count >= suffixCount else { throw StorageProblem("is too short") }
        let body = Array(bytes.dropLast(suffixCount))
        guard bytes.suffix(suffixCount).elementsEqual(suffix(of: body)) else {
            throw StorageProblem("does not match its checksum")
        }
        guard body.isEmpty || body.last == UInt8(ascii: "\n"),
            let text = String(validating: body, as: UTF8.self)
        else { throw StorageProblem("is no text of whole lines") }
        return text
    }

    private static func suffix(of body: [UInt8]) -> [UInt8] {
        Array(before.utf8) + SealedJSON.hexDigits(CRC32C.checksum(body)) + [UInt8(ascii: "\n")]
    }
}

extension FileSystem {
    /// Writes text with its checksum as last line; after a crash the old or the new is there.
    ///
    /// - Parameter text: whole lines.
    public func writeSealedText(_ path: String, _ text: String) throws(StorageError) {
        try writeFileDurably(path, SealedText.seal(text))
    }

    /// The text that `writeSealedText` wrote.
    ///
    /// - Throws: `StorageError.damaged` if a byte is not as it was written.
    public func readSealedText(_ path: String, upTo limit: Int) throws(StorageError) -> String {
        let bytes = try readFile(path, upTo: limit)
        do throws(StorageProblem) {
            return try SealedText.open(bytes)
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }

    /// Writes a JSON object on one line, its checksum as last member `crc`; after a crash the old
    /// or the new is there.
    public func writeSealedObject(_ path: String, _ object: JSONValue) throws(StorageError) {
        try writeFileDurably(path, SealedJSON.seal(object, .line))
    }

    /// The object that `writeSealedObject` wrote, without its checksum.
    ///
    /// - Throws: `StorageError.damaged` if a byte is not as it was written.
    public func readSealedObject(
        _ path: String, upTo limit: Int = 4096
    ) throws(StorageError) -> JSONValue {
        let bytes = try readFile(path, upTo: limit)
        do throws(StorageProblem) {
            return try SealedJSON.open(bytes, .line)
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }
}
