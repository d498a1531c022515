internal import Tensors

/// A permutation of `0..<count` that is evaluated one place at a time, without a table.
///
/// A Feistel network over the smallest binary domain that holds `count`, whose round function is
/// the counter-based generator; values outside `0..<count` walk on until they are inside (format
/// preserving encryption by cycle walking, Black and Rogaway 2002). So a step costs its batch, not
/// the data set, however large that is.
struct IndexPermutation: Sendable {
    let count: Int
    private let generator: CounterRandom
    private let lowBits: UInt64
    private let highBits: UInt64

    /// Rounds of the network; four would do for a pseudo-random permutation (Luby and Rackoff),
    /// more for the small domains where a half has few values.
    private static let rounds: UInt64 = 8
    /// Narrower domains leave too few distinct networks.
    private static let bitsMin = 10

    init(count: Int, generator: CounterRandom) {
        precondition(count > 0 && count < 1 << 48, "permutation of \(count)")
        self.count = count
        self.generator = generator
        let needed = Int.bitWidth - (count - 1).leadingZeroBitCount
        let bits = UInt64(max(needed, IndexPermutation.bitsMin))
        lowBits = bits / 2
        highBits = bits - lowBits
    }

    /// The value at `place`, which lies in `0..<count`; different places have different values.
    subscript(place: Int) -> Int {
        precondition((0..<count).contains(place), "place \(place) of \(count)")
        var value = UInt64(place)
        repeat { value = network(value) } while value >= UInt64(count)
        return Int(value)
    }

    /// One pass through the network.
    ///
    /// Rounds alternate between the two parts, which differ by one bit in width where the domain
    /// has an odd number of bits.
    private func network(_ value: UInt64) -> UInt64 {
        let lowMask = (1 as UInt64) << lowBits - 1
        let highMask = (1 as UInt64) << highBits - 1
        var low = value & lowMask
        var high = value >> lowBits
        for round in 0..<IndexPermutation.rounds {
            if round.isMultiple(of: 2) {
                high = (high ^ UInt64(generator.block(at: round << 32 | low)[0])) & highMask
            } else {
                low = (low ^ UInt64(generator.block(at: round << 32 | high)[0])) & lowMask
            }
        }
        return high << lowBits | low
    }
}
