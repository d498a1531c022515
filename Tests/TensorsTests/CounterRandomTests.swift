@testable import Tensors
import Testing

@Suite struct CounterRandomTests {
    /// The known answers of the authors' Random123 library, `kat_vectors`.
    @Test func `Philox gives the known answers of its authors`() {
        let ones = UInt32.max
        #expect(
            CounterRandom.philox(SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            CounterRandom.philox(SIMD4(ones, ones, ones, ones), key: SIMD2(ones, ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            CounterRandom.philox(
                SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func `numbers are a function of keys and index alone`() {
        let x = CounterRandom(seed: 1, stream: .flip, a: 2, b: 3)
        let same = CounterRandom(seed: 1, stream: .flip, a: 2, b: 3)
        #expect((0..<9).map(x.bits) == (0..<9).reversed().map(same.bits).reversed())
        let others = [
            CounterRandom(seed: 2, stream: .flip, a: 2, b: 3),
            CounterRandom(seed: 1, stream: .cropX, a: 2, b: 3),
            CounterRandom(seed: 1, stream: .flip, a: 3, b: 2),
            CounterRandom(seed: 1, stream: .flip, a: 2, b: 1 << 40),
        ]
        for other in others { #expect((0..<4).map(x.bits) != (0..<4).map(other.bits)) }
    }

    /// The numbers of a run's seed never change: a change here changes every run.
    @Test func `the first numbers of a seed are fixed`() {
        let x = CounterRandom(seed: 42, stream: .initialisation, a: 7, b: 9)
        #expect((0..<4).map(x.bits) == fixedBits)
        #expect(CounterRandom(seed: 42, stream: .dataOrder).permutation(8) == fixedOrder)
    }

    @Test func `uniform numbers have the moments of a uniform distribution`() {
        let x = CounterRandom(seed: 3, stream: .test)
        let values = (0..<100_000).map { Double(x.uniform(at: $0)) }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        // Five standard errors: sqrt(1 / 12 n) and sqrt(1 / 180 n).
        #expect((mean(values) - 0.5).magnitude < 0.0046)
        #expect((mean(values.map { ($0 - 0.5) * ($0 - 0.5) }) - 1 / 12).magnitude < 0.0012)
    }

    @Test func `normal numbers have the moments of a normal distribution`() {
        let x = CounterRandom(seed: 4, stream: .test)
        let values = (0..<100_000).map { Double(x.normal(at: $0)) }
        // Five standard errors of mean, variance and fourth moment.
        #expect(mean(values).magnitude < 0.016)
        #expect((mean(values.map { $0 * $0 }) - 1).magnitude < 0.023)
        #expect((mean(values.map { $0 * $0 * $0 * $0 }) - 3).magnitude < 0.16)
        #expect(values.allSatisfy { $0.magnitude < 6.8 })
    }

    @Test func `a permutation holds every number once, each place about as often`() {
        var firsts = [Int](repeating: 0, count: 10)
        for seed in 0..<2_000 {
            let order = CounterRandom(seed: UInt64(seed), stream: .dataOrder).permutation(10)
            #expect(order.sorted() == Array(0..<10))
            firsts[order[0]] += 1
        }
        // 200 expected, standard deviation 13.4.
        #expect(firsts.allSatisfy { (133...267).contains($0) })
        #expect(CounterRandom(seed: 1, stream: .dataOrder).permutation(0).isEmpty)
    }

    @Test(arguments: [0, 1, 31, 32, 77])
    func `words that are written at once are those at their indices`(count: Int) {
        let random = CounterRandom(seed: 77, stream: .test, a: 1 << 40, b: 3)
        // At the last of them the block's number needs more than 32 bits.
        for first in [0, 4, 4096, 4 * ((1 << 32) - 3)] {
            var words = [UInt32](repeating: 0, count: count)
            var span = words.mutableSpan
            random.fillBits(&span, from: first)
            #expect(words == (0..<count).map { random.bits(at: first + $0) })
        }
    }

    @Test func `no two streams share a number`() {
        let raw = RandomStream.allCases.map(\.rawValue)
        #expect(Set(raw).count == raw.count)
    }

    private func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(values.count)
    }
}

private let fixedBits: [UInt32] = [559_475_261, 2_210_752_007, 1_265_875_111, 3_011_728_330]
private let fixedOrder = [3, 1, 4, 0, 6, 5, 7, 2]
