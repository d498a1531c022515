extension CounterRandom {
    /// Writes `bits(at: i)` for all i from `first` on, with the same bits.
    ///
    /// Thirty-two at a time: each step draws from millions of rows.
    ///
    /// - Parameter first: a multiple of 4.
    @_lifetime(words: copy words)
    public func fillBits(_ words: inout MutableSpan<UInt32>, from first: Int) {
        precondition(first >= 0 && first % 4 == 0, "words begin at a whole block, not \(first)")
        var index = 0
        while index + 32 <= words.count {
            let eight = eightBlocks(at: UInt64((first + index) / 4))
            for block in 0..<8 {
                let place = index + 4 * block
                words[place] = UInt32(truncatingIfNeeded: eight.0[block])
                words[place + 1] = UInt32(truncatingIfNeeded: eight.1[block])
                words[place + 2] = UInt32(truncatingIfNeeded: eight.2[block])
                words[place + 3] = UInt32(truncatingIfNeeded: eight.3[block])
            }
            index += 32
        }
        while index < words.count {
            let four = block(at: UInt64((first + index) / 4))
            for lane in 0..<min(4, words.count - index) { words[index + lane] = four[lane] }
            index += 4
        }
    }

    /// The four words of eight blocks, by word, each in the lower half of 64 bits: there a product
    /// of two words is whole.
    private func eightBlocks(
        at index: UInt64
    ) -> (SIMD8<UInt64>, SIMD8<UInt64>, SIMD8<UInt64>, SIMD8<UInt64>) {
        let low = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
        let counter = SIMD8<UInt64>(repeating: index) &+ SIMD8(0, 1, 2, 3, 4, 5, 6, 7)
        var (x0, x1) = (counter & low, counter &>> 32)
        var x2 = SIMD8<UInt64>(repeating: UInt64(upper[0]))
        var x3 = SIMD8<UInt64>(repeating: UInt64(upper[1]))
        var (k0, k1) = (key[0], key[1])
        for round in 0..<10 {
            if round > 0 {
                k0 &+= 0x9E37_79B9
                k1 &+= 0xBB67_AE85
            }
            let a = x0 &* SIMD8(repeating: 0xD251_1F53)
            let b = x2 &* SIMD8(repeating: 0xCD9E_8D57)
            x0 = (b &>> 32) ^ x1 ^ SIMD8(repeating: UInt64(k0))
            x2 = (a &>> 32) ^ x3 ^ SIMD8(repeating: UInt64(k1))
            x1 = b & low
            x3 = a & low
        }
        return (x0, x1, x2, x3)
    }
}
