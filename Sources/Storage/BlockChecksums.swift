import Buffers

/// The CRC-32C of every block of a file: it tells where in the file a byte has changed, and lets
/// parts of the file be compared as they are read, in any order and on several threads.
public struct BlockChecksums: Hashable, Sendable {
    /// Bytes of a block; the last one of a file may be shorter.
    public static let blockBytes = 1 << 20

    private(set) var sums: [UInt32]

    /// The number of blocks of a file of so many bytes.
    static func count(of byteCount: Int) -> Int { (byteCount + blockBytes - 1) / blockBytes }

    /// The bytes of a block in a file of so many bytes.
    static func range(ofBlock block: Int, of byteCount: Int) -> Range<Int> {
        (block * blockBytes)..<min(byteCount, (block + 1) * blockBytes)
    }

    /// Eight hexadecimal digits a block.
    var hex: String { String(decoding: sums.flatMap(SealedJSON.hexDigits), as: UTF8.self) }

    init(sums: [UInt32]) { self.sums = sums }

    /// The checksums of these digits; nil if they are none of a file of so many bytes.
    init?(hex: String, byteCount: Int) {
        let digits = Array(hex.utf8)
        guard digits.count % 8 == 0, digits.count / 8 == Self.count(of: byteCount) else {
            return nil
        }
        sums = []
        sums.reserveCapacity(digits.count / 8)
        for start in stride(from: 0, to: digits.count, by: 8) {
            var sum: UInt32 = 0
            for digit in digits[start..<(start + 8)] {
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    sum = sum << 4 | UInt32(digit - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"):
                    sum = sum << 4 | UInt32(digit - UInt8(ascii: "a") + 10)
                default: return nil
                }
            }
            sums.append(sum)
        }
    }

    /// What is to be said of a file whose blocks have other checksums than these; nil if none has.
    public func difference(from there: BlockChecksums, byteCount: Int) -> String? {
        zip(sums, there.sums).enumerated().first { $1.0 != $1.1 }
            .map { Self.reason(damagedBlock: $0.offset, of: byteCount) }
    }

    /// What is said of a block that is not as it was written.
    static func reason(damagedBlock block: Int, of byteCount: Int) -> String {
        let range = range(ofBlock: block, of: byteCount)
        return "does not match its checksum in bytes \(range.lowerBound) to "
            + "\(range.upperBound - 1) of \(byteCount)"
    }
}

/// Sums the blocks of a file whose bytes come one after the other, in pieces of any size.
struct BlockSummer {
    private var sums: [UInt32] = []
    private var open: UInt32 = 0
    private var openBytes = 0

    /// Adds the next bytes.
    mutating func add(_ bytes: RawSpan) {
        var start = 0
        while start < bytes.byteCount {
            let end = min(bytes.byteCount, start + BlockChecksums.blockBytes - openBytes)
            open = CRC32C.checksum(bytes.extracting(start..<end), continuing: open)
            openBytes += end - start
            start = end
            if openBytes == BlockChecksums.blockBytes { close() }
        }
    }

    /// Adds the next bytes.
    mutating func add(_ bytes: [UInt8]) { addBytes(bytes, to: &self) }

    /// The checksums of all blocks, the open one included.
    var checksums: BlockChecksums {
        var whole = self
        if openBytes > 0 { whole.close() }
        return BlockChecksums(sums: whole.sums)
    }

    private mutating func close() {
        sums.append(open)
        (open, openBytes) = (0, 0)
    }
}
