import Kernels
import Testing

@Suite struct LargestValuesTests {
    /// By sorting, of equal values the first ones.
    private func expected(_ row: [Float], _ count: Int) -> [Int32] {
        row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(count).sorted()
            .map { Int32($0) }
    }

    @Test(arguments: [1, 2, 7, 31, 100, 999])
    func `the largest values are found as sorting finds them`(length: Int) {
        let row = numbers(length, seed: UInt32(length))
        for count in [0, 1, length / 3, length / 2, length - 1, length] where count >= 0 {
            #expect(LargestValues.places(in: row.span, count: count) == expected(row, count))
        }
    }

    @Test func `of equal values the first ones are taken`() {
        let row: [Float] = [1, 3, 3, -2, 3, 1, 3, 0]
        #expect(LargestValues.places(in: row.span, count: 2) == [1, 2])
        #expect(LargestValues.places(in: row.span, count: 3) == [1, 2, 4])
        #expect(LargestValues.places(in: row.span, count: 5) == [0, 1, 2, 4, 6])
        let zeros: [Float] = [-0.0, 0, -0.0, -1]
        #expect(LargestValues.places(in: zeros.span, count: 2) == [0, 1])
    }

    @Test func `signs, infinities and denormals stand in their order`() {
        let row: [Float] = [
            -.infinity, -3e38, -1, -.leastNonzeroMagnitude, 0, .leastNonzeroMagnitude, 1e-37, 0.5,
            1, 3e38, .infinity,
        ]
        for count in 0...row.count {
            #expect(
                LargestValues.places(in: row.span, count: count)
                    == (row.count - count..<row.count).map { Int32($0) })
        }
    }

    /// Values whose upper bits agree are told apart by their lower ones.
    @Test func `neighbouring floats are told apart`() {
        var value: Float = 0.7
        let row = (0..<3000).map { _ in
            value = value.nextUp
            return value
        }
        let shuffled = (0..<3000).map { row[$0 * 7 % 3000] }
        for count in [1, 17, 1500, 2999] {
            #expect(
                LargestValues.places(in: shuffled.span, count: count) == expected(shuffled, count))
        }
    }
}
