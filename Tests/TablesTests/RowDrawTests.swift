import Tables
import Tensors
import Testing

@Suite struct RowDrawTests {
    /// The rule by a full sort: what the streaming pass must agree with.
    private func sorted(positives: [Int32], keys: [Float], wanted: Int) -> [Int32] {
        if wanted < positives.count { return positives }
        let order = keys.indices.filter { !positives.contains(Int32($0)) }
            .sorted { (-keys[$0], $0) < (-keys[$1], $1) }
        return (positives + order.prefix(wanted - positives.count).map { Int32($0) }).sorted()
    }

    @Test(arguments: [1, 7, 300, 5000, 20_000])
    func `the streaming pass draws what a full sort would`(rowCount: Int) {
        let random = CounterRandom(seed: 3, stream: .test)
        // Few distinct keys, so that most are equal to others.
        for levels in [4, 1 << 20] {
            let keys = (0..<rowCount).map { row in
                Float(Int(random.bits(at: row)) % levels) / Float(levels)
            }
            for wanted in [0, 1, rowCount / 10, rowCount / 2, rowCount - 1, rowCount]
            where wanted >= 0 {
                let labels = (0..<min(5, rowCount)).map {
                    Int32(random.integer(at: 100_000 + $0, below: rowCount))
                }
                let positives = RowDraw.positives(of: labels)
                let draw = RowDraw(
                    positives: positives, rowCount: rowCount, wanted: wanted,
                    keys: GivenKeys(keys))
                #expect(draw.rows == sorted(positives: positives, keys: keys, wanted: wanted))
            }
        }
    }

    @Test func `equal keys go to the lowest rows`() {
        let draw = RowDraw(
            positives: [6], rowCount: 9, wanted: 4,
            keys: GivenKeys(Array(repeating: 0.5, count: 9)))
        #expect(draw.rows == [0, 1, 2, 6])
    }

    @Test func `positives that outnumber the rows wanted are the whole draw`() {
        let draw = RowDraw(
            positives: [1, 3, 4], rowCount: 9, wanted: 2, keys: CounterKeys(seed: 1, step: 0))
        #expect(draw.rows == [1, 3, 4])
        #expect(draw.positiveCount == 3 && draw.wanted == 2)
    }

    @Test func `counter keys order rows as the uniform numbers of the same counter do`() {
        let random = CounterRandom(seed: 9, stream: .negativeDraw, a: 5)
        let uniforms = (0..<3001).map { random.uniform(at: $0) }
        let one = RowDraw(
            positives: [2], rowCount: 3001, wanted: 300, keys: CounterKeys(seed: 9, step: 5))
        let other = RowDraw(
            positives: [2], rowCount: 3001, wanted: 300, keys: GivenKeys(uniforms))
        #expect(one == other)
    }

    @Test func `a step's draw is not another's`() {
        let draws = (0..<3).map { step in
            RowDraw(
                positives: [], rowCount: 1000, wanted: 100, keys: CounterKeys(seed: 1, step: step))
        }
        #expect(draws[0] != draws[1] && draws[1] != draws[2] && draws[0] != draws[2])
    }

    @Test func `a million classes are drawn from in 50 ms on a core`() {
        let positives = RowDraw.positives(of: (0..<2048).map { Int32($0 * 487) })
        let clock = ContinuousClock()
        // The best of five: the machine has other work.
        let times = (0..<5).map { step in
            clock.measure {
                let draw = RowDraw(
                    positives: positives, rowCount: 1_000_000, wanted: 100_000,
                    keys: CounterKeys(seed: 1, step: step))
                #expect(draw.rows.count == 100_000)
            }
        }
        let best = times.min() ?? .zero
        print("draw of 100,000 of 1,000,000 rows: \(best)")
        #expect(best < .milliseconds(50))
    }

    @Test func `positions are those of the drawn rows`() {
        let draw = RowDraw(
            positives: [5, 90], rowCount: 100, wanted: 20, keys: CounterKeys(seed: 4, step: 1))
        for (place, row) in draw.rows.enumerated() { #expect(draw.position(of: row) == place) }
        let missing = (0..<100).filter { !draw.rows.contains(Int32($0)) }
        for row in missing { #expect(draw.position(of: Int32(row)) == nil) }
    }
}
