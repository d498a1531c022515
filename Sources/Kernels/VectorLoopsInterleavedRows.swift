import Buffers
import CPrefetch

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

    /// Columns that are called for ahead, where all tiles of a column are copied at a time.
    private static let columnsAhead = 8

    /// Copies a matrix whose element (i, l) stands at `a[i + l columnA]`.
    ///
    /// - Parameters:
    ///   - y: `rows columns` floats; a tile's begin at its first row times `columns`.
    ///   - sums: one for each row, to which its elements are added in order, if wanted.
    func copy(
        _ a: UnsafePointer<Float>, columnA: Int, into y: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>? = nil
    ) {
        guard !isWide else { return unsafe copyWide(a, columnA: columnA, into: y, sums: sums) }
        if let sums = unsafe sums {
            for column in 0..<columns { unsafe add(a + column &* columnA, to: sums) }
        }
        var (a, y) = unsafe (a, y)
        let tiles = TileRows(of: rows)
        for index in 0..<tiles.count {
            let count = tiles[index]
            var (from, to) = unsafe (a, y)
            switch count {
            case 6:
                for _ in 0..<columns {
                    unsafe to.set(from.four, (from + 4).two)
                    unsafe from += columnA
                    unsafe to += 6
                }
            case 4:
                for _ in 0..<columns {
                    unsafe to.set(from.four)
                    unsafe from += columnA
                    unsafe to += 4
                }
            default:
                for column in 0..<columns { unsafe to[column] = from[column &* columnA] }
            }
            unsafe a += count
            unsafe y += count &* columns
        }
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

    /// Column by column, whose parts of all tiles stand beside each other in A.
    private func copyWide(
        _ a: UnsafePointer<Float>, columnA: Int, into y: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>?
    ) {
        let eights = rows / 8
        let rest = rows % 8
        var a = unsafe a
        for column in 0..<columns {
            let ahead = unsafe a + Self.columnsAhead &* columnA
            for row in stride(from: 0, to: rows, by: 16) {
                unsafe prefetch_for_reading(ahead + row)
            }
            var to = unsafe y + column &* 8
            for tile in 0..<eights {
                unsafe to.setEight((a + tile &* 8).eight)
                unsafe to += columns &* 8
            }
            if let sums = unsafe sums { unsafe add(a, to: sums) }
            var row = eights &* 8
            for count in [4, 2, 1] where rest & count != 0 {
                let to = unsafe y + (row &* columns &+ column &* count)
                for index in 0..<count { unsafe to[index] = a[row &+ index] }
                row &+= count
            }
            unsafe a += columnA
        }
    }
}

extension UnsafePointer<Float> {
    @inline(__always)
    fileprivate var four: SIMD4<Float> {
        unsafe UnsafeRawPointer(self).loadUnaligned(as: SIMD4<Float>.self)
    }

    @inline(__always)
    fileprivate var two: SIMD2<Float> {
        unsafe UnsafeRawPointer(self).loadUnaligned(as: SIMD2<Float>.self)
    }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    fileprivate func set(_ four: SIMD4<Float>) {
        unsafe UnsafeMutableRawPointer(self).storeBytes(of: four, as: SIMD4<Float>.self)
    }

    @inline(__always)
    fileprivate func set(_ four: SIMD4<Float>, _ two: SIMD2<Float>) {
        unsafe set(four)
        unsafe UnsafeMutableRawPointer(self + 4).storeBytes(of: two, as: SIMD2<Float>.self)
    }
}
