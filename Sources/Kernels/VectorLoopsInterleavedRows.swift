import Buffers
import CInstructions

/// Rows of A in the order in which tiles of `PanelTile` read them: the rows of a tile beside each
/// other, column behind column.
///
/// A transposed matrix has its columns a whole row apart: hundreds of pages, and lines that meet
/// in a few places of a cache. Read once into this order, it is a stream.
@safe struct InterleavedRows {
    let rows: Int
    let columns: Int
    /// Whether tiles are those of registers of sixteen: eight rows, then four, two and one.
    var isWide = WideRegisters.areThere

    /// Columns that are called for ahead: rows of memory so far apart are no stream.
    private static let columnsAhead = 8

    /// Copies a matrix whose element (i, l) stands at `a[i + l columnA]`.
    ///
    /// Column by column, whose parts of all tiles stand beside each other in A.
    ///
    /// - Parameters:
    ///   - y: `rows columns` floats; a tile's begin at its first row times `columns`.
    ///   - sums: one for each row, to which its elements are added in order, if wanted.
    func copy(
        _ a: UnsafePointer<Float>, columnA: Int, into y: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>? = nil
    ) {
        let tiles = TileRows(of: rows)
        var a = unsafe a
        for column in 0..<columns {
            let ahead = unsafe a + Self.columnsAhead &* columnA
            for row in stride(from: 0, to: rows, by: 16) {
                unsafe prefetch_for_reading(ahead + row)
            }
            if isWide {
                unsafe copyEights(a, column, into: y)
            } else {
                unsafe copySixes(a, column, of: tiles, into: y)
            }
            if let sums = unsafe sums { unsafe add(a, to: sums) }
            unsafe a += columnA
        }
    }

    /// A column's parts of tiles of eight rows, then of four, two and one.
    @inline(__always)
    private func copyEights(
        _ a: UnsafePointer<Float>, _ column: Int, into y: UnsafeMutablePointer<Float>
    ) {
        var to = unsafe y + column &* 8
        for tile in 0..<(rows / 8) {
            unsafe to.setEight((a + tile &* 8).eight)
            unsafe to += columns &* 8
        }
        var row = rows &- rows % 8
        for count in [4, 2, 1] where rows & count != 0 {
            unsafe copy(count, row, a, column, into: y)
            row &+= count
        }
    }

    /// A column's parts of tiles of six rows, then of four and one.
    @inline(__always)
    private func copySixes(
        _ a: UnsafePointer<Float>, _ column: Int, of tiles: TileRows,
        into y: UnsafeMutablePointer<Float>
    ) {
        // Eight floats in one go, two of which the next column puts right.
        let inOne = column &+ 1 < columns ? max(0, tiles.sixes &- 1) : 0
        var (from, to) = unsafe (a, y + column &* 6)
        for _ in 0..<inOne {
            unsafe to.setEight(from.eight)
            unsafe from += 6
            unsafe to += columns &* 6
        }
        var row = inOne &* 6
        for tile in inOne..<tiles.count {
            let count = tiles[tile]
            unsafe copy(count, row, a, column, into: y)
            row &+= count
        }
    }

    /// A column's part of one tile.
    @inline(__always)
    private func copy(
        _ count: Int, _ row: Int, _ a: UnsafePointer<Float>, _ column: Int,
        into y: UnsafeMutablePointer<Float>
    ) {
        let to = unsafe y + (row &* columns &+ column &* count)
        for index in 0..<count { unsafe to[index] = a[row &+ index] }
    }

    /// Adds a column of all rows to their sums.
    @inline(__always)
    private func add(_ a: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>) {
        let end = rows &- rows % 8
        for row in stride(from: 0, to: end, by: 8) {
            unsafe (sums + row).setEight((sums + row).eight + (a + row).eight)
        }
        for row in end..<rows { unsafe sums[row] += a[row] }
    }
}
