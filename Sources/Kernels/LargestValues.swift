/// Which values of a row are among its largest ones: exact, and in time that does not depend on
/// how many are wanted.
///
/// No arithmetic takes part but comparisons, so there are no bits to differ.
public enum LargestValues {
    /// The places of the `count` largest values, in rising order.
    ///
    /// Of equal values the first ones are taken, -0 being equal to 0. The bits of a float, turned
    /// so that they rise with it, are counted eleven at a time from the top (radix selection). Two
    /// passes over the row find all values that begin with the digit of the smallest one that is
    /// taken, or with a greater one; what remains is looked for among these.
    ///
    /// - Parameters:
    ///   - row: finite values, or infinities.
    ///   - count: at most as many as there are.
    @inline(never)
    public static func places(in row: Span<Float>, count: Int) -> [Int32] {
        precondition(count >= 0 && count <= row.count, "\(count) largest of \(row.count) values")
        guard count > 0 else { return [] }
        guard count < row.count else { return (0..<Int32(row.count)).map { $0 } }
        let counts = firstDigits(of: row)
        var left = count  // how many of those that begin with the known bits are taken
        var least = digit(&left, of: counts)  // the upper bits of the smallest value that is taken
        let (places, keys) = candidates(
            in: row, from: UInt32(least) << 21, count: count - left + counts[least])
        for (known, bits) in [(11, 11), (22, 10)] {
            least =
                least << bits
                | digit(&left, of: digits(of: keys, after: UInt32(least), known: known, bits: bits))
        }
        var taken: [Int32] = []
        taken.reserveCapacity(count)
        for (place, key) in zip(places, keys) where key >= least {
            if key == least {
                guard left > 0 else { continue }
                left -= 1
            }
            taken.append(place)
        }
        return taken
    }

    /// The digit that the last of `left` keys has, counted from the greatest digit down.
    ///
    /// - Parameter left: afterwards how many of those with this digit are among them.
    private static func digit(_ left: inout Int, of counts: [Int]) -> Int {
        var digit = counts.count - 1
        while counts[digit] < left {
            left -= counts[digit]
            digit -= 1
        }
        return digit
    }

    /// How often each value of the first eleven bits occurs.
    private static func firstDigits(of row: Span<Float>) -> [Int] {
        // Neighbours often have one digit: in counters of their own they need not wait for each
        // other.
        var (even, odd) = ([Int](repeating: 0, count: 2048), [Int](repeating: 0, count: 2048))
        for pair in 0..<(row.count / 2) {
            even[Int(rising(row[2 &* pair]) >> 21)] &+= 1
            odd[Int(rising(row[2 &* pair &+ 1]) >> 21)] &+= 1
        }
        if row.count % 2 == 1 { even[Int(rising(row[row.count - 1]) >> 21)] &+= 1 }
        for digit in 0..<even.count { even[digit] &+= odd[digit] }
        return even
    }

    /// The keys that are not below `floor`, `count` of them, with their places, in rising order.
    private static func candidates(
        in row: Span<Float>, from floor: UInt32, count: Int
    ) -> (places: [Int32], keys: [UInt32]) {
        // Each key is written where the next candidate goes and stays if it is one, since a jump
        // would often be foreseen wrongly. So there is room for one more.
        var places = [Int32](repeating: 0, count: count + 1)
        var keys = [UInt32](repeating: 0, count: count + 1)
        var found = 0
        for index in 0..<row.count {
            let key = rising(row[index])
            places[found] = Int32(truncatingIfNeeded: index)
            keys[found] = key
            found &+= key >= floor ? 1 : 0
        }
        places.removeLast()
        keys.removeLast()
        return (places, keys)
    }

    /// How often each digit of `bits` bits follows the bits that are known.
    private static func digits(
        of keys: [UInt32], after known: UInt32, known knownBits: Int, bits: Int
    ) -> [Int] {
        var counts = [Int](repeating: 0, count: 1 << bits)
        let shift = 32 - knownBits - bits
        for key in keys where key >> (32 - knownBits) == known {
            counts[Int(key >> shift) & (counts.count - 1)] &+= 1
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
