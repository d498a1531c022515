import Buffers

/// Rows of A in the order in which tiles of `PanelTile` read them: the rows of a tile beside each
/// other, column behind column.
///
/// A transposed matrix has its columns a whole row apart: hundreds of pages, and lines that meet
/// in a few places of a cache. Read once into this order, it is a stream.
@safe struct InterleavedRows {
    let rows: Int
    let columns: Int

    /// Copies a matrix whose element (i, l) stands at `a[i + l columnA]`.
    ///
    /// - Parameter y: `rows columns` floats; a tile's begin at its first row times `columns`.
    func copy(
        _ a: UnsafePointer<Float>, columnA: Int, into y: UnsafeMutablePointer<Float>
    ) {
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
