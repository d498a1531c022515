/// Which values of a row are among its largest ones: exact, and in time that does not depend on
/// how many are wanted.
///
/// No arithmetic takes part but comparisons, so there are no bits to differ.
public enum LargestValues {
    /// The places of the `count` largest values, in rising order.
    ///
    /// Of equal values the first ones are taken, -0 being equal to 0. The bits of a float, turned
    /// so that they rise with it, are counted eleven at a time from the top (radix selection);
    /// three passes find the smallest value that is taken, a fourth one all places.
    ///
    /// - Parameters:
    ///   - row: finite values, or infinities.
    ///   - count: at most as many as there are.
    @inline(never)
    public static func places(in row: Span<Float>, count: Int) -> [Int32] {
        precondition(count >= 0 && count <= row.count, "\(count) largest of \(row.count) values")
        guard count > 0 else { return [] }
        guard count < row.count else { return (0..<Int32(row.count)).map { $0 } }
        var least: UInt32 = 0  // the upper bits of the smallest value that is taken
        var known: UInt32 = 0  // how many bits of it are known
        var left = count  // how many of those that begin with these bits are taken
        for bits: UInt32 in [11, 11, 10] {
            let counts = digits(of: row, after: least, known: known, bits: bits)
            var digit = counts.count - 1
            while counts[digit] < left {
                left -= counts[digit]
                digit -= 1
            }
            least = least << bits | UInt32(digit)
            known += bits
        }
        var places: [Int32] = []
        places.reserveCapacity(count)
        for index in 0..<row.count {
            let key = rising(row[index])
            guard key >= least else { continue }
            if key == least {
                guard left > 0 else { continue }
                left -= 1
            }
            places.append(Int32(index))
        }
        return places
    }

    /// How often each digit of `bits` bits follows the bits that are known.
    private static func digits(
        of row: Span<Float>, after known: UInt32, known knownBits: UInt32, bits: UInt32
    ) -> [Int] {
        var counts = [Int](repeating: 0, count: 1 << Int(bits))
        let shift = 32 - knownBits - bits
        for index in 0..<row.count {
            let key = rising(row[index])
            // A shift by all 32 bits gives 0, so that at first every key counts.
            guard key >> (32 - knownBits) == known else { continue }
            counts[Int(key >> shift) & (counts.count - 1)] += 1
        }
        return counts
    }

    /// The bits of a float as a number that rises with it.
    @inline(__always)
    private static func rising(_ value: Float) -> UInt32 {
        let bits = (value + 0).bitPattern  // -0 becomes 0
        return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
    }
}
