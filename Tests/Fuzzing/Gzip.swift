/// A gzip file (RFC 1952) that holds its content as it is, in stored blocks (RFC 1951, 3.2.4).
func gzip(_ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]
    let blockBytesMax = 0xffff
    var start = 0
    repeat {
        let end = min(start + blockBytesMax, content.count)
        let count = UInt16(end - start)
        bytes.append(end == content.count ? 1 : 0)
        for number in [count, ~count] { bytes += [UInt8(number & 0xff), UInt8(number >> 8)] }
        bytes += content[start..<end]
        start = end
    } while start < content.count
    let trailer = bytes.count
    bytes += Array(repeating: 0, count: 8)
    bytes.put(crc32(content), at: trailer)
    bytes.put(UInt32(truncatingIfNeeded: content.count), at: trailer + 4)
    return bytes
}

/// What is meant to be the content of a file of one stored block; nil if the file is another, such
/// as one of several members.
func storedContent(_ bytes: [UInt8]) -> [UInt8]? {
    let head = 15
    guard bytes.count >= head + 8, bytes.starts(with: [0x1f, 0x8b, 8, 0]), bytes[10] <= 1 else {
        return nil
    }
    let next = head + Int(bytes[11]) + Int(bytes[12]) << 8 + 8
    guard next >= bytes.count || !bytes[next...].starts(with: [0x1f, 0x8b]) else { return nil }
    return Array(bytes[head..<bytes.count - 8])
}

/// The checksum of gzip: polynomial 04c11db7, reflected.
private func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { state, byte in
        (0..<8).reduce(state ^ UInt32(byte)) { rest, _ in
            rest >> 1 ^ (rest & 1 == 1 ? 0xedb8_8320 : 0)
        }
    }
}
