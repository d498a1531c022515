/// The CRC-32C checksum (Castagnoli polynomial, reflected), as in iSCSI (RFC 3720 section B.4).
///
/// It guards headers on the wire and records on disk against torn writes and flipped bits. It is no
/// protection against somebody who wants to deceive: that is what `Digest` is for.
public enum CRC32C {
    /// The checksum of `bytes`; "123456789" gives e3069283.
    ///
    /// Long runs go through the processor's instruction where it has one.
    ///
    /// - Parameters:
    ///   - bytes: what to sum, at any alignment.
    ///   - continuing: the checksum of the bytes before these, so that a long sequence can be
    ///     summed in pieces; 0 to begin.
    public static func checksum(_ bytes: RawSpan, continuing: UInt32 = 0) -> UInt32 {
        let (sum, summed) = unsafe bytes.withUnsafeBytes {
            unsafe ChecksumRuns.checksum($0, continuing: continuing)
        }
        return checksumByTables(bytes.extracting(summed..<bytes.byteCount), continuing: sum)
    }

    /// The same without the processor's instruction: sixteen bytes at a time through sixteen tables
    /// of 256 words ("slicing by 16").
    static func checksumByTables(_ bytes: RawSpan, continuing: UInt32 = 0) -> UInt32 {
        let tables = tables.span
        var state = ~continuing
        var offset = 0
        let wholeBlocksEnd = bytes.byteCount & ~15
        while offset < wholeBlocksEnd {
            let first = word(bytes, offset) ^ UInt64(state)
            let second = word(bytes, offset + 8)
            state =
                tables[0x0f00 | Int(first & 0xff)]
                ^ tables[0x0e00 | Int(first >> 8 & 0xff)]
                ^ tables[0x0d00 | Int(first >> 16 & 0xff)]
                ^ tables[0x0c00 | Int(first >> 24 & 0xff)]
                ^ tables[0x0b00 | Int(first >> 32 & 0xff)]
                ^ tables[0x0a00 | Int(first >> 40 & 0xff)]
                ^ tables[0x0900 | Int(first >> 48 & 0xff)]
                ^ tables[0x0800 | Int(first >> 56)]
            state ^=
                tables[0x0700 | Int(second & 0xff)]
                ^ tables[0x0600 | Int(second >> 8 & 0xff)]
                ^ tables[0x0500 | Int(second >> 16 & 0xff)]
                ^ tables[0x0400 | Int(second >> 24 & 0xff)]
                ^ tables[0x0300 | Int(second >> 32 & 0xff)]
                ^ tables[0x0200 | Int(second >> 40 & 0xff)]
                ^ tables[0x0100 | Int(second >> 48 & 0xff)]
                ^ tables[Int(second >> 56)]
            offset += 16
        }
        while offset < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            state = tables[Int((state ^ UInt32(byte)) & 0xff)] ^ (state >> 8)
            offset += 1
        }
        return ~state
    }

    /// The checksum of an array of bytes.
    public static func checksum(_ bytes: [UInt8], continuing: UInt32 = 0) -> UInt32 {
        unsafe checksum(bytes.span.bytes, continuing: continuing)
    }

    package static func checksumByTables(_ bytes: [UInt8], continuing: UInt32 = 0) -> UInt32 {
        unsafe checksumByTables(bytes.span.bytes, continuing: continuing)
    }

    /// The little-endian word at `offset`; the load checks its bounds, and any bits are a `UInt64`.
    private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        UInt64(
            littleEndian: unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: offset, as: UInt64.self))
    }

    /// Table k at 256 k: the effect of a byte that k further bytes follow.
    private static let tables: [UInt32] = {
        let reflectedPolynomial: UInt32 = 0x82f6_3b78
        var tables = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var state = UInt32(byte)
            for _ in 0..<8 {
                state = state & 1 == 1 ? (state >> 1) ^ reflectedPolynomial : state >> 1
            }
            tables[byte] = state
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = (previous >> 8) ^ tables[Int(previous & 0xff)]
        }
        return tables
    }()
}
