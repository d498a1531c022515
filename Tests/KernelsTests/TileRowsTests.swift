@testable import Kernels
import Testing

/// Rows are cut into tiles that keep the multiply-adders busy.
@Suite struct TileRowsTests {
    @Test func `tiles make up all rows, with as few single rows as there can be`() {
        for rows in 0...200 {
            let tiles = TileRows(of: rows)
            let sizes = (0..<tiles.count).map { tiles[$0] }
            #expect(sizes.reduce(0, +) == rows)
            #expect(sizes.allSatisfy { [6, 4, 1].contains($0) })
            #expect(sizes == sizes.sorted(by: >), "\(rows) rows")
            // Sixes and fours make every even number from four on.
            let singles = rows < 4 ? rows : rows % 2
            #expect(sizes.count { $0 == 1 } == singles, "\(rows) rows: \(sizes)")
        }
    }
}
