import Kernels
import Testing

/// Loops over rows against their definition, operation by operation: whichever registers they run
/// in, the bits are these.
@Suite struct RowOrderTests {
    /// Widths around every edge of eight, sixteen and thirty-two lanes.
    static let widths = Array(1...70) + [95, 96, 97, 192, 200]

    @Test(arguments: widths)
    func `layer norm sums in 32 lanes`(width: Int) {
        let rows = 3
        let x = numbers(rows * width, seed: 1)
        let (w, b) = (numbers(width, seed: 2), numbers(width, seed: 3))
        var y = [Float](repeating: .nan, count: rows * width)
        var (means, inverses) = (Array(y.prefix(rows)), Array(y.prefix(rows)))
        layerNorm(x, w, b, &y, &means, &inverses)
        for row in 0..<rows {
            let mean = sum(width) { x[row * width + $0] } / Float(width)
            let variance =
                sum(width, adding: { $0.addingProduct($1, $1) }) { x[row * width + $0] - mean }
                / Float(width)
            let inverse = 1 / (variance + 1e-6).squareRoot()
            #expect(means[row] == mean)
            #expect(inverses[row] == inverse)
            for column in 0..<width {
                let normal = (x[row * width + column] - mean) * inverse
                #expect(y[row * width + column] == b[column].addingProduct(normal, w[column]))
            }
        }
    }

    @Test(arguments: widths)
    func `layer norm's gradient sums in 32 lanes, over rows from the first to the last`(
        width: Int
    ) {
        let rows = 3
        let (x, g) = (numbers(rows * width, seed: 1), numbers(rows * width, seed: 2))
        let w = numbers(width, seed: 3)
        let (means, inverses) = (numbers(rows, seed: 4), numbers(rows, seed: 5))
        let before = numbers(rows * width, seed: 6)
        for isAdded in [false, true] {
            var dx = before
            var (dw, db) = (w, w)
            do {
                var span = dx.mutableSpan
                var weight = dw.mutableSpan
                var bias = db.mutableSpan
                Rows.layerNormGradient(
                    x.span, weight: w.span, means: means.span, inverses: inverses.span,
                    gradient: g.span, isAdded: isAdded, into: &span, dWeight: &weight,
                    dBias: &bias)
            }
            var (sumW, sumB) = (
                [Float](repeating: 0, count: width), [Float](repeating: 0, count: width)
            )
            for row in 0..<rows {
                let at = { row * width + $0 }
                let normal = { (column: Int) in (x[at(column)] - means[row]) * inverses[row] }
                let plain = sum(width, adding: { $0.addingProduct($1.0, $1.1) }) {
                    (g[at($0)], w[$0])
                }
                let weighted = sum(width, adding: { $0.addingProduct($1.0, $1.1) }) {
                    (g[at($0)] * w[$0], normal($0))
                }
                let (meanH, meanHN) = (plain / Float(width), weighted / Float(width))
                for column in 0..<width {
                    let h = g[at(column)] * w[column]
                    let value = ((h - meanH) - normal(column) * meanHN) * inverses[row]
                    #expect(dx[at(column)] == (isAdded ? before[at(column)] + value : value))
                    sumW[column].addProduct(g[at(column)], normal(column))
                    sumB[column] += g[at(column)]
                }
            }
            #expect(dw == sumW)
            #expect(db == sumB)
        }
    }

    @Test(arguments: [1, 7, 8, 9, 31, 50, 64, 65, 130])
    func `softmax of attention sums in eight lanes`(tokens: Int) {
        let width = 64
        let attention = Attention(batch: 1, tokens: tokens, heads: 1, headWidth: width)
        let qkv = numbers(tokens * 3 * width, seed: 1).map { 4 * $0 }
        var y = [Float](repeating: 0, count: tokens * width)
        var p = [Float](repeating: 0, count: attention.probabilityCount)
        var scratch = [Float](repeating: 0, count: attention.scratchCount)
        do {
            var value = y.mutableSpan
            var room = scratch.mutableSpan
            var probabilities = p.mutableSpan
            attention.forward(
                qkv.span, into: &value, probabilities: &probabilities, scratch: &room)
        }
        let padded = attention.paddedTokens
        for token in 0..<tokens {
            let scores = (0..<tokens).map { other in
                (0..<width).reduce(Float(0)) { sum, feature in
                    sum.addingProduct(
                        qkv[token * 3 * width + feature],
                        qkv[other * 3 * width + width + feature])
                }
            }
            let best = scores.max() ?? 0
            let powers = scores.map { exponential(($0 - best) * 0.125) }
            var lanes = [Float](repeating: 0, count: 8)
            for (index, power) in powers.enumerated() { lanes[index % 8] += power }
            let factor = 1 / sumOfEight(lanes)
            for other in 0..<padded {
                let expected = other < tokens ? powers[other] * factor : 0
                #expect(p[token * padded + other] == expected, "\(token), \(other)")
            }
        }
    }

    @Test func `columns are summed from the first row to the last`() {
        for (rows, width) in [(1, 5), (3, 8), (4, 33), (9, 70), (130, 16)] {
            let x = numbers(rows * width, seed: 1)
            var sums = [Float](repeating: .nan, count: width)
            var span = sums.mutableSpan
            Rows.columnSums(x.span, into: &span)
            for column in 0..<width {
                #expect(
                    sums[column]
                        == (0..<rows).reduce(Float(0)) { $0 + x[$1 * width + column] })
            }
        }
    }

    private func exponential(_ x: Float) -> Float {
        var y: [Float] = [0]
        var span = y.mutableSpan
        Vector.exp([x].span, into: &span)
        return y[0]
    }

    private func layerNorm(
        _ x: [Float], _ w: [Float], _ b: [Float], _ y: inout [Float], _ means: inout [Float],
        _ inverses: inout [Float]
    ) {
        var value = y.mutableSpan
        var mean = means.mutableSpan
        var inverse = inverses.mutableSpan
        Rows.layerNorm(
            x.span, weight: w.span, bias: b.span, epsilon: 1e-6, into: &value, means: &mean,
            inverses: &inverse)
    }

    /// A sum in the order that `Vector` documents.
    private func sum<Term>(
        _ count: Int, adding add: (Float, Term) -> Float, _ term: (Int) -> Term
    ) -> Float {
        var lanes = [Float](repeating: 0, count: 32)
        for index in 0..<count { lanes[index % 32] = add(lanes[index % 32], term(index)) }
        return sumOfEight(
            (0..<8).map { (lanes[$0] + lanes[$0 + 8]) + (lanes[$0 + 16] + lanes[$0 + 24]) })
    }

    private func sum(_ count: Int, _ term: (Int) -> Float) -> Float {
        sum(count, adding: { $0 + $1 }, term)
    }

    private func sumOfEight(_ x: [Float]) -> Float {
        ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    }
}
