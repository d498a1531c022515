import Kernels

/// Random numbers by counter: the value at an index is a function of keys and index alone.
///
/// The generator is Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", SC 2011). Seed, stream and the two keys are folded by two applications of it into the
/// key and the upper half of the counter; the index runs in the lower half.
public struct CounterRandom: Sendable {
    let key: SIMD2<UInt32>
    let upper: SIMD2<UInt32>

    /// Makes the generator of one purpose.
    ///
    /// - Parameters:
    ///   - seed: the run's seed.
    ///   - stream: what the numbers are for.
    ///   - a: a first key, such as the data epoch.
    ///   - b: a second key, such as the sample and view.
    public init(seed: UInt64, stream: RandomStream, a: UInt64 = 0, b: UInt64 = 0) {
        let ofStream = Self.philox(
            SIMD4(stream.rawValue, 0, 0, 0), key: SIMD2(Self.low(seed), Self.high(seed)))
        let ofKeys = Self.philox(
            SIMD4(Self.low(a), Self.high(a), Self.low(b), Self.high(b)),
            key: SIMD2(ofStream[0], ofStream[1]))
        key = SIMD2(ofKeys[0], ofKeys[1])
        upper = SIMD2(ofKeys[2], ofKeys[3])
    }

    /// Four words of random bits: those with indices 4 `index` to 4 `index` + 3.
    public func block(at index: UInt64) -> SIMD4<UInt32> {
        Self.philox(SIMD4(Self.low(index), Self.high(index), upper[0], upper[1]), key: key)
    }

    /// The word of random bits at an index.
    public func bits(at index: Int) -> UInt32 {
        precondition(index >= 0, "random index \(index)")
        return block(at: UInt64(index / 4))[index % 4]
    }

    /// The number at an index, in [0, 1), a multiple of 2^-24.
    public func uniform(at index: Int) -> Float {
        Float(bits(at: index) >> 8) * 0x1p-24
    }

    /// The standard normal number at an index (Box and Muller; magnitude at most 6.7).
    ///
    /// Indices 2i and 2i + 1 are the cosine and the sine of one pair of words.
    public func normal(at index: Int) -> Float {
        let pair = index & ~1
        let radius = Self.radius(bits(at: pair))
        let angle = Self.angle(bits(at: pair + 1))
        return radius * (index == pair ? LaneMath.cos(angle) : LaneMath.sin(angle))
    }

    /// A random order of 0 ..< `count`: Fisher and Yates from the end, one 64-bit draw a place.
    public func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            let chosen = integer(at: last, below: last + 1)
            order.swapAt(last, chosen)
        }
        return order
    }

    /// The integer at an index, in 0 ..< `bound`, from two words (biased by less than 2^-32).
    public func integer(at index: Int, below bound: Int) -> Int {
        precondition(index >= 0 && bound > 0, "random integer below \(bound) at \(index)")
        let four = block(at: UInt64(index / 2))
        let first = 2 * (index % 2)
        let word = UInt64(four[first]) | UInt64(four[first + 1]) << 32
        return Int(word.multipliedFullWidth(by: UInt64(bound)).high)
    }

    private static func radius(_ bits: UInt32) -> Float {
        let u = (Float(bits) + 0.5) * 0x1p-32  // in (0, 1]
        return (-2 * LaneMath.log(u)).squareRoot()
    }

    private static func angle(_ bits: UInt32) -> Float {
        Float(bits >> 8) * (0x1p-24 * 2 * Float.pi)
    }

    private static func low(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word) }
    private static func high(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word >> 32) }

    /// Philox 4x32 with ten rounds.
    static func philox(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (x0, x1, x2, x3) = (counter[0], counter[1], counter[2], counter[3])
        var (k0, k1) = (key[0], key[1])
        for round in 0..<10 {
            if round > 0 {
                k0 &+= 0x9E37_79B9
                k1 &+= 0xBB67_AE85
            }
            let a = UInt64(x0) &* 0xD251_1F53
            let b = UInt64(x2) &* 0xCD9E_8D57
            (x0, x1, x2, x3) = (high(b) ^ x1 ^ k0, low(b), high(a) ^ x3 ^ k1, low(a))
        }
        return SIMD4(x0, x1, x2, x3)
    }
}

extension CounterRandom {
    /// Makes a tensor whose element i is `uniform(at: i)` moved into [`low`, `high`).
    public func uniformTensor(_ shape: Shape, from low: Float, to high: Float) -> Tensor {
        var result = Tensor(uninitialized: shape)
        var span = result.mutableSpan
        for index in 0..<span.count { span[index] = low + (high - low) * uniform(at: index) }
        return result
    }

    /// Makes a tensor whose element i is `deviation` times `normal(at: i)`.
    public func normalTensor(_ shape: Shape, deviation: Float = 1) -> Tensor {
        var result = Tensor(uninitialized: shape)
        var span = result.mutableSpan
        for index in 0..<span.count { span[index] = deviation * normal(at: index) }
        return result
    }
}
