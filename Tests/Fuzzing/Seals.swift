import Buffers

/// How the last member of a sealed JSON object is written.
enum SealLayout {
    /// On the object's own line, as in logs.
    case line
    /// On a line of its own, as in manifests.
    case indented

    fileprivate var before: [UInt8] {
        switch self {
        case .line: Array(",\"crc\":\"".utf8)
        case .indented: Array(",\n  \"crc\": \"".utf8)
        }
    }

    fileprivate var after: [UInt8] {
        switch self {
        case .line: Array("\"}\n".utf8)
        case .indented: Array("\"\n}\n".utf8)
        }
    }
}

/// A JSON object whose checksum is right, whatever stands before it.
func sealedObject(_ bytes: [UInt8], _ layout: SealLayout) -> [UInt8] {
    guard let end = bytes.lastPlace(of: layout.before) else { return bytes }
    let body = Array(bytes[..<end])
    return body + layout.before + hexDigits(CRC32C.checksum(body)) + layout.after
}

/// Text whose last line is its checksum.
func sealedText(_ bytes: [UInt8]) -> [UInt8] {
    let before = Array("# crc32c ".utf8)
    guard let end = bytes.lastPlace(of: before) else { return bytes }
    let body = Array(bytes[..<end])
    return body + before + hexDigits(CRC32C.checksum(body)) + [UInt8(ascii: "\n")]
}

/// A log each of whose lines has its checksum.
func sealedLog(_ bytes: [UInt8]) -> [UInt8] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .map { line in
            let sealed = sealedObject(Array(line), .line)
            return sealed.last == UInt8(ascii: "\n") ? Array(sealed.dropLast()) : sealed
        }
        .joined(separator: [UInt8(ascii: "\n")]).map(\.self)
}
