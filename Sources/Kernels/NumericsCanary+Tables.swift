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

    /// A row of cosines, some of them rounded past 1, with a tail; then its exponentials.
    mutating func addClassification() {
        for count in [5, 16, 77] {
            let cosines = Self.inputs(count, seed: 26).map { $0 * 0.6 }
            var summary: [Float] = []
            add(count) { c in
                Vector.copy(cosines.span, into: &c)
                let found = Vector.scaleCosines(&c, by: 16)
                summary = [found.sum, found.lowest, found.highest]
            }
            add(summary)
            var total: Float = 0
            add(count) { x in
                Vector.scale(cosines.span, by: 16, into: &x)
                total = Vector.exponentiate(&x, minus: 15.5)
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
