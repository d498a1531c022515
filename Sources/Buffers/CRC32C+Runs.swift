internal import CChecksum

/// CRC-32C of long runs of memory by the processor's instruction, where it has one.
///
/// A block of three adjacent runs is summed side by side, then the sums are joined: the state
/// after a run of zeros is a linear function of the state before it (over bits, with exclusive
/// or as addition), so it is looked up byte by byte in four tables.
enum ChecksumRuns {
    /// One run; three make a block of 12 KiB, which fits the first-level cache.
    static let runByteCount = 4096
    static let blockByteCount = 3 * runByteCount

    /// Whether the processor has the instruction.
    static let isAvailable = pleiad_crc32c_is_available()

    /// The checksum of whole blocks at the start of `bytes`, going on from `state`.
    ///
    /// - Returns: the new checksum and how many bytes it covers.
    static func checksum(
        _ bytes: UnsafeRawBufferPointer, continuing state: UInt32
    ) -> (checksum: UInt32, byteCount: Int) {
        guard isAvailable, let start = bytes.baseAddress else { return (state, 0) }
        var inverted = ~state
        var offset = 0
        while bytes.count - offset >= blockByteCount {
            var second: UInt32 = 0
            var third: UInt32 = 0
            unsafe pleiad_crc32c_three_runs(
                start + offset, runByteCount, &inverted, &second, &third)
            inverted = afterZeros(afterZeros(inverted) ^ second) ^ third
            offset += blockByteCount
        }
        return (~inverted, offset)
    }

    /// The inverted state after `runByteCount` zeros, by four table look-ups.
    private static func afterZeros(_ state: UInt32) -> UInt32 {
        let tables = tables.span
        return tables[Int(state & 0xff)] ^ tables[0x100 | Int(state >> 8 & 0xff)]
            ^ tables[0x200 | Int(state >> 16 & 0xff)] ^ tables[0x300 | Int(state >> 24)]
    }

    /// Table k, at 256 k: the effect of a run of zeros on the state's byte k.
    private static let tables: [UInt32] = {
        let zeros = [UInt8](repeating: 0, count: runByteCount)
        // What zeros make of one bit of the state; the checksum inverts before and after.
        let bits = (0..<32).map { ~CRC32C.checksumByTables(zeros, continuing: ~(1 << UInt32($0))) }
        return (0..<1024).map { index in
            let byte = UInt32(index & 0xff)
            return (0..<8).reduce(0) { sum, bit in
                byte >> UInt32(bit) & 1 == 1 ? sum ^ bits[(index >> 8) * 8 + bit] : sum
            }
        }
    }()
}
