import Optimizers
import Tensors
import Testing

@Suite struct SliceResultTests {
    private func result(_ value: Float, rows: [Float]) -> SliceResult {
        SliceResult(
            gradient: Tensor([value, -value, 2], shape: [3]),
            statistics: Tensor([value], shape: [1]),
            sums: [.init(name: "loss", value: Double(value)), .init(name: "count", value: 1)],
            rows: NamedTensors(["keys": Tensor(rows, shape: [rows.count / 2, 2])]))
    }

    @Test func `two results add element by element, and rows follow each other`() {
        let sum = SliceResult.sum(result(1, rows: [1, 2]), result(3, rows: [5, 6, 7, 8]))
        #expect(sum.gradient.values == [4, -4, 4])
        #expect(sum.statistics.values == [4])
        #expect(sum.sums.map(\.value) == [4, 2])
        #expect(sum.rows["keys"]?.values == [1, 2, 5, 6, 7, 8])
        #expect(sum.rows["keys"]?.shape == [3, 2])
    }

    @Test func `sums of rounded results are rounded`() {
        let one = result(1, rows: [1, 2]).rounded(to: .bf16)
        let small = result(0.00390625 * 1.5, rows: [1, 2]).rounded(to: .bf16)
        let sum = SliceResult.sum(one, small)
        #expect(sum.precision == .bf16)
        // 1 + 1.5/256 is three quarters of the way from 1 to the next bf16, 1 + 1/128.
        #expect(sum.gradient.values == [1.0078125, -1.0078125, 4])
        #expect(sum.statistics.values == [1 + 0.00390625 * 1.5])
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `one number that is not finite is noticed wherever it stands`(bad: Float) {
        for count in [1, 7, 8, 9, 16, 31] {
            for place in 0..<count {
                var values = [Float](repeating: 1e38, count: count)
                #expect(Tensor(values, shape: [count]).isFinite)
                values[place] = bad
                #expect(!Tensor(values, shape: [count]).isFinite)
            }
        }
        #expect(result(1, rows: [1, 2]).isFinite)
        #expect(!result(bad, rows: [1, 2]).isFinite)
        #expect(!result(1, rows: [1, bad]).isFinite)
    }
}
