import CZlib

/// Why a compressed stream could not be decoded.
enum InflateFailure: Error, Equatable {
    case truncated(decodedBytes: Int)
    case trailing(count: Int)
    case corrupt(String)
    /// There is more than the limit; its first bytes, as many as the limit says.
    case tooLarge([UInt8])
}

/// The decoded content of a gzip file (RFC 1952; concatenated members are one content).
///
/// The seam to zlib: the only file of this module with unsafe expressions. The memory that zlib
/// reads and writes is borrowed from arrays for the length of one call.
///
/// - Parameters:
///   - compressed: the whole file.
///   - limitBytes: decoding stops with `.tooLarge` rather than grow past this.
/// - Throws: `InflateFailure`; the checksum and the length at the end of each member are checked.
func gunzip(_ compressed: [UInt8], limitBytes: Int) throws(InflateFailure) -> [UInt8] {
    var decoded: [UInt8] = []
    // All at once, or growing would hold twice as much; a limit that is only claimed costs nothing.
    decoded.reserveCapacity(min(limitBytes, deflateRatioMax * compressed.count))
    var at = 0
    repeat {
        at += try inflateMember(compressed, from: at, into: &decoded, limitBytes: limitBytes)
    } while at + 1 < compressed.count && compressed[at] == 0x1f && compressed[at + 1] == 0x8b
    guard at == compressed.count else {
        throw .trailing(count: compressed.count - at)
    }
    return decoded
}

/// The first bytes of a gzip file's content: `count`, or all if there are fewer.
///
/// - Throws: `InflateFailure`; nothing behind these bytes is looked at.
func gunzip(_ compressed: [UInt8], first count: Int) throws(InflateFailure) -> [UInt8] {
    do {
        return try gunzip(compressed, limitBytes: count)
    } catch .tooLarge(let decoded) {
        return decoded
    }
}

/// The most bytes that deflate can put into one (RFC 1951: 258 in two bits).
private let deflateRatioMax = 1032

/// Decodes the member that begins at `start` and returns the bytes that it took.
private func inflateMember(
    _ compressed: [UInt8], from start: Int, into decoded: inout [UInt8], limitBytes: Int
) throws(InflateFailure) -> Int {
    var stream = unsafe z_stream()
    let gzipWindow: Int32 = 15 + 16  // largest window, gzip wrapper
    let opened = unsafe inflateInit2_(
        &stream, gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard opened == Z_OK else { throw .corrupt("zlib \(opened)") }
    defer { unsafe inflateEnd(&stream) }
    let pieceBytes = 1 << 18
    var piece = [UInt8](repeating: 0, count: pieceBytes)
    var taken = 0
    while true {
        let offered = min(compressed.count - start - taken, 1 << 20)
        let (status, used, made) = unsafe compressed.withUnsafeBufferPointer { input in
            unsafe piece.withUnsafeMutableBufferPointer { output in
                let from = unsafe input.baseAddress.map { unsafe $0 + start + taken }
                unsafe stream.next_in = unsafe UnsafeMutablePointer(mutating: from)
                unsafe stream.avail_in = UInt32(offered)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(pieceBytes)
                let status = unsafe inflate(&stream, Z_NO_FLUSH)
                return unsafe (
                    status, offered - Int(stream.avail_in), pieceBytes - Int(stream.avail_out)
                )
            }
        }
        taken += used
        let room = limitBytes - decoded.count
        decoded.append(contentsOf: piece[..<min(made, room)])
        guard made <= room else { throw .tooLarge(decoded) }
        switch status {
        case Z_STREAM_END: return taken
        case Z_OK where used > 0 || made > 0: continue
        case Z_OK, Z_BUF_ERROR: throw .truncated(decodedBytes: decoded.count)
        default: throw .corrupt(zlibMeaning(status))
        }
    }
}

private func zlibMeaning(_ status: Int32) -> String {
    switch status {
    case Z_DATA_ERROR: "bad data or checksum"
    case Z_NEED_DICT: "needs a dictionary"
    case Z_MEM_ERROR: "out of memory"
    default: "zlib \(status)"
    }
}
