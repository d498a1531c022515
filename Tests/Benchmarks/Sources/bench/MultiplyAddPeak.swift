import CWidePeak
internal import Synchronization

/// The most floating-point operations a second that cores give: multiply-adds in registers, of
/// sixteen floats where the processor has such registers and else of eight, nothing else.
enum MultiplyAddPeak {
    /// Operations a second on so many threads, each a core's worth.
    ///
    /// It takes some 40 ms: threads that wake on one core need a few to be parted.
    static func measure(_ crew: SlotCrew, slots: Int) -> Double {
        let isWide = wide_peak_is_supported() != 0
        let rest = Mutex(Float(0))
        let begin = monotonicSeconds()
        crew.run(slots: slots) { slot in
            let start = Float(slot)
            let sum =
                isWide ? wide_peak_spin(wideLength, start) : spin(rounds: rounds, start: start)
            rest.withLock { $0 += sum }
        }
        let seconds = monotonicSeconds() - begin
        precondition(rest.withLock { $0.isFinite }, "the sums of the peak left their range")
        let operations = isWide ? wideOperations : Double(rounds) * operationsPerRound
        return Double(slots) * operations / seconds
    }

    private static let rounds = 6_000_000
    /// 48 multiply-adds of 8 floats in a round, 2 operations each.
    private static let operationsPerRound = 48.0 * 8 * 2

    private static let wideLength = 12_000_000
    /// 16 chains of 16 floats, 2 operations each.
    private static let wideOperations = Double(wideLength) * 16 * 16 * 2

    /// Twelve chains side by side: more than the latency times the units of cores with two of them.
    @inline(never)
    private static func spin(rounds: Int, start: Float) -> Float {
        var (a, b, c) = (Lanes8(repeating: start), Lanes8(repeating: 1), Lanes8(repeating: 2))
        var (d, e, f) = (Lanes8(repeating: 3), Lanes8(repeating: 4), Lanes8(repeating: 5))
        var (g, h, i) = (Lanes8(repeating: 6), Lanes8(repeating: 7), Lanes8(repeating: 8))
        var (j, k, l) = (Lanes8(repeating: 9), Lanes8(repeating: 10), Lanes8(repeating: 11))
        // Fixed points of x <- 0.5 x + 0.25 keep all numbers ordinary.
        let (half, quarter) = (Lanes8(repeating: 0.5), Lanes8(repeating: 0.25))
        for _ in 0..<rounds {
            for _ in 0..<4 {
                a = quarter.addingProduct(a, half)
                b = quarter.addingProduct(b, half)
                c = quarter.addingProduct(c, half)
                d = quarter.addingProduct(d, half)
                e = quarter.addingProduct(e, half)
                f = quarter.addingProduct(f, half)
                g = quarter.addingProduct(g, half)
                h = quarter.addingProduct(h, half)
                i = quarter.addingProduct(i, half)
                j = quarter.addingProduct(j, half)
                k = quarter.addingProduct(k, half)
                l = quarter.addingProduct(l, half)
            }
        }
        let sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
        return sum.sum()
    }
}

private typealias Lanes8 = SIMD8<Float>
