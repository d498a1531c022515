import Buffers
import Kernels
import Testing

@Suite struct ReductionTests {
    /// The order that `Vector` documents, one element at a time.
    private func documentedSum(_ x: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 32)
        for (index, value) in x.enumerated() { lanes[index % 32] += value }
        var eight: [Float] = []
        for lane in 0..<8 {
            let near: Float = lanes[lane] + lanes[lane + 8]
            let far: Float = lanes[lane + 16] + lanes[lane + 24]
            eight.append(near + far)
        }
        let four: [Float] = (0..<4).map { eight[$0] + eight[$0 + 4] }
        return (four[0] + four[2]) + (four[1] + four[3])
    }

    @Test(arguments: [0, 1, 7, 8, 9, 31, 32, 33, 64, 100, 257])
    func `sums are added in the documented order`(_ count: Int) {
        let x = numbers(count, seed: 9)
        #expect(Vector.sum(x.span) == documentedSum(x))
        let whole = (0..<count).map { Float($0 % 7) }
        #expect(Vector.dot(whole.span, whole.span) == whole.map { $0 * $0 }.reduce(0, +))
        #expect(Vector.sumOfSquares(x.span) == Vector.dot(x.span, x.span))
        #expect(Vector.maximum(x.span) == (x.max() ?? -.infinity))
    }

    @Test(arguments: [1, 5, 8, 40, 71])
    func `column sums add rows from the first to the last`(_ width: Int) {
        let x = numbers(9 * width, seed: 3)
        var sums = [Float](repeating: 0, count: width)
        var span = sums.mutableSpan
        Rows.columnSums(x.span, into: &span)
        for column in 0..<width {
            let expected = (0..<9).reduce(Float(0)) { $0 + x[$1 * width + column] }
            #expect(sums[column] == expected)
        }
    }

    @Test(arguments: [3, 8, 37])
    func `softmax and logSumExp agree with double precision`(_ width: Int) {
        let x = numbers(4 * width, seed: 5).map { $0 * 20 }
        var p = x
        var span = p.mutableSpan
        Rows.softmax(x.span, width: width, into: &span)
        var logs = [Float](repeating: 0, count: 4)
        var log = logs.mutableSpan
        Rows.logSumExp(x.span, width: width, into: &log)
        for row in 0..<4 {
            let values = x[(row * width)..<((row + 1) * width)].map(Double.init)
            let top = values.max() ?? 0
            let total = values.map { exponential($0 - top) }.reduce(0, +)
            for (column, value) in values.enumerated() {
                let expected = exponential(value - top) / total
                #expect((Double(p[row * width + column]) - expected).magnitude < 1e-6)
            }
            #expect((Double(logs[row]) - top - logarithm(total)).magnitude < 4e-6)
        }
    }

    @Test func `logSumExp of nothing but negative infinity is negative infinity`() {
        let x = [Float](repeating: -.infinity, count: 9)
        var result: [Float] = [0]
        var span = result.mutableSpan
        Rows.logSumExp(x.span, width: 9, into: &span)
        #expect(result == [-.infinity])
    }
}
