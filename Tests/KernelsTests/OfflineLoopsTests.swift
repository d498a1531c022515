import Kernels
import Testing

struct TopMatchesTests {
    /// Scores with many equal values.
    private func scores(rows: Int, columns: Int) -> [Float] {
        (0..<(rows * columns)).map { Float(($0 &* 7919 &+ $0 / 13) % 37) - 18 }
    }

    /// All columns of a row by falling score, of equal ones the lowest first.
    private func ranked(_ row: ArraySlice<Float>, _ offsets: [Float]) -> [(Int, Float)] {
        row.enumerated().map {
            ($0.offset, $0.element + (offsets.isEmpty ? 0 : offsets[$0.offset]))
        }
        .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    @Test(arguments: [1, 2, 7, 8, 9, 40], [1, 3, 8])
    func `tiles of any width keep the best columns, of equal ones the lowest`(
        _ width: Int, _ depth: Int
    ) {
        let (rows, columns) = (5, 83)
        let values = scores(rows: rows, columns: columns)
        let shifts = (0..<columns).map { Float($0 % 5) }
        for offsets in [[], shifts] {
            var best = TopMatches(rowCount: rows, depth: depth)
            for first in stride(from: 0, to: columns, by: width) {
                let end = min(columns, first + width)
                let tile = (0..<rows).flatMap {
                    values[($0 * columns + first)..<($0 * columns + end)]
                }
                let part = offsets.isEmpty ? [] : Array(offsets[first..<end])
                best.merge(
                    tile.span, width: end - first, firstColumn: first, offsets: part.span)
            }
            for row in 0..<rows {
                let wanted = ranked(values[(row * columns)..<((row + 1) * columns)], offsets)
                for place in 0..<depth {
                    #expect(Int(best.columns[row * depth + place]) == wanted[place].0)
                    #expect(best.scores[row * depth + place] == wanted[place].1)
                }
            }
        }
    }

    @Test func `fewer columns than wanted leave places empty`() {
        var best = TopMatches(rowCount: 1, depth: 3)
        let (tile, none): ([Float], [Float]) = ([4, 5], [])
        best.merge(tile.span, width: 2, firstColumn: 10, offsets: none.span)
        #expect(best.columns == [11, 10, -1])
        #expect(best.scores == [5, 4, -.infinity])
    }

    @Test func `columns that reach a threshold come in rising order`() {
        let tile: [Float] = [1, 3, 2, 3, 0, 5]
        var found = [[(column: Int32, score: Float)]](repeating: [], count: 2)
        appendColumns(of: tile.span, width: 3, firstColumn: 4, reaching: 2, to: &found)
        #expect(found[0].map(\.column) == [5, 6] && found[1].map(\.column) == [4, 6])
        #expect(found[1].map(\.score) == [3, 5])
    }
}

struct ResamplingLoopsTests {
    @Test func `an element has the same bits at any offset and in lines of any length`() {
        let values = (0..<400).map { Float($0 &* 2_654_435_761 % 1009) / 7 }
        let weights: [Float] = [0.3, 0.7, 0.11]
        for width in 1...40 {
            for base in [0, 1, 5] {
                var output = [Float](repeating: 0, count: width + 3)
                var span = output.mutableSpan
                combineLines(
                    values.span, at: base, width: width, weights: weights.span, shift: 0.25,
                    into: &span, at: 3)
                for column in 0..<width {
                    var wanted: Float = 0.25
                    for line in 0..<3 {
                        wanted.addProduct(weights[line], values[base + line * width + column])
                    }
                    #expect(output[3 + column].bitPattern == wanted.bitPattern)
                }
                #expect(output[..<3] == [0, 0, 0])
            }
        }
    }

    @Test(arguments: [1, 2, 3])
    func `a place sums its pixels in rising order`(_ taps: Int) {
        let pixels = (0..<30).map { UInt8($0 * 8) }
        let first = [3, 0, 7, 7]
        let weights = (0..<(4 * taps)).map { 0.1 + Float($0) / 9 }
        var output = [Float](repeating: 0, count: 6)
        var span = output.mutableSpan
        readLine(
            pixels.span, at: 10, first: first.span, weights: weights.span, taps: taps,
            into: &span, at: 2)
        for place in 0..<4 {
            var wanted = weights[place * taps] * Float(pixels[10 + first[place]])
            for tap in 1..<max(taps, 1) {
                wanted.addProduct(
                    weights[place * taps + tap], Float(pixels[10 + first[place] + tap]))
            }
            #expect(output[2 + place].bitPattern == wanted.bitPattern)
        }
    }
}
