import Kernels
import Tensors
import Testing

/// The loops below the losses: what they give an element must not depend on where it lies.
@Suite struct ClassificationLoopsTests {
    private static let count = 61

    private static func cosines(_ stream: UInt64) -> [Float] {
        var values = CounterRandom(seed: 3, stream: .test, a: stream)
            .uniformTensor([count], from: -1.1, to: 1.1).values
        values[7] = 0
        values[20] = -0.0
        values[33] = 0x1p-140
        return values
    }

    @Test func `scaled cosines have the same bits at every offset and in every length`() {
        let all = Self.cosines(1)
        let whole = all.map { min(max($0, -1), 1) * 13 }
        for first in 0..<17 {
            for end in (first + 1)...Self.count {
                var part = Array(all[first..<end])
                var span = part.mutableSpan
                let summary = Vector.scaleCosines(&span, by: 13)
                #expect(part.map(\.bitPattern) == whole[first..<end].map(\.bitPattern))
                #expect(summary.lowest == all[first..<end].min())
                #expect(summary.highest == all[first..<end].max())
                let sum = all[first..<end].reduce(0.0) { $0 + Double(min(max($1, -1), 1)) }
                #expect(abs(Double(summary.sum) - sum) < 1e-5)
            }
        }
    }

    @Test func `exponentials have the same bits at every offset and in every length`() {
        var all = Self.cosines(2).map { $0 * 64 }
        all[5] = -.infinity
        all[40] = -200
        let whole = all.map { LaneMath.exp($0 - 70) }
        for first in 0..<17 {
            for end in first...Self.count {
                var part = Array(all[first..<end])
                var span = part.mutableSpan
                let sum = Vector.exponentiate(&span, minus: 70)
                #expect(part.map(\.bitPattern) == whole[first..<end].map(\.bitPattern))
                let exact = whole[first..<end].reduce(0.0) { $0 + Double($1) }
                #expect(abs(Double(sum) - exact) <= 1e-6 * exact)
            }
        }
    }

    @Test func `a row of nothing but excluded columns sums to zero`() {
        var row = [Float](repeating: -.infinity, count: 19)
        var span = row.mutableSpan
        #expect(Vector.exponentiate(&span, minus: -1e30) == 0)
        #expect(row.allSatisfy { $0 == 0 })
    }
}
