import Buffers

// The loops of tables, clustering and evaluation, and those that move rows.
extension Canary {
    mutating func addRowLoops() {
        let x = Self.inputs(5 * 19, seed: 22)
        let row = Self.inputs(19, seed: 23)
        add(5 * 19) { Rows.fill(&$0, with: row.span) }
        add(5 * 19) { Rows.add(row.span, to: &$0) }
        add(5 * 19) { Rows.add(x.span, row.span, into: &$0) }
        add(5 * 19) { Rows.subtract(x.span, row.span, into: &$0) }
        add(5 * 19) { Vector.copy(x.span, into: &$0) }
        let infinite = x + [.infinity]
        let broken = [.nan] + x
        add([x, infinite, broken].map { Vector.isFinite($0.span) ? 1 : 0 })
        let pixels = Self.inputs(11, seed: 25).map { UInt8(($0 + 2) * 63) }
        let first = [0, 3, 8]
        add(3) {
            readLine(
                pixels.span, at: 0, first: first.span, weights: row.span.extracting(0..<9),
                taps: 3, into: &$0, at: 0)
        }
    }

    /// A row of products, some of whose cosines lie past 1 or a limit, with a tail.
    mutating func addClassification() {
        for (count, limit) in [(5, Float.infinity), (16, 0.5), (77, .infinity)] {
            let products = Self.inputs(count, seed: 26)
            let exponent = CosineExponent(scale: 64, shift: 4, limit: limit)
            var total: Float = 0
            add(2 * count) { memory in
                var x = memory._mutatingExtracting(0..<count)
                Vector.copy(products.span, into: &x)
                var sums = [Float](repeating: 0.5, count: count)
                var exponentials = sums.mutableSpan
                total = Vector.exponentiateCosines(
                    &x, times: 0.6, exponent, addingTo: &exponentials)
                var rest = memory._mutatingExtracting(count..<(2 * count))
                Vector.copy(exponentials.span, into: &rest)
            }
            add([total])
        }
    }

    /// Two tiles of scores with equal ones among them, and those above a threshold.
    mutating func addMatches() {
        let tile = Self.inputs(3 * 21, seed: 27).map { ($0 * 4).rounded() }
        let offsets = Self.inputs(21, seed: 28)
        let none: [Float] = []
        var best = TopMatches(rowCount: 3, depth: 4)
        best.merge(tile.span, width: 21, firstColumn: 0, offsets: offsets.span)
        best.merge(tile.span, width: 21, firstColumn: 21, offsets: none.span)
        add(best.scores)
        add(best.columns.map { Float($0) })
        var found = [[(column: Int32, score: Float)]](repeating: [], count: 3)
        appendColumns(of: tile.span, width: 21, firstColumn: 7, reaching: 3, to: &found)
        add(found.flatMap { $0.flatMap { [Float($0.column), $0.score] } })
    }
}
