import Buffers
import CPrefetch
import CWideTiles

/// The innermost loops of `PanelProduct`: a few rows of C by one panel of columns.
///
/// Where the processor has registers of sixteen floats they are used (`CWideTiles`), elsewhere
/// those of eight, for which a panel is twice 24 columns.
///
/// Each element of C is one chain of fused multiply-adds, from the first l to the last, that begins
/// with the element's start. So the bits depend neither on the tile an element lies in nor on where
/// the chain is cut and taken up again.
@safe struct PanelTile {
    /// The length of the sums.
    let k: Int
    /// How far apart the rows of A start, in floats.
    let rowA: Int
    /// How far apart the columns of A are, in floats.
    let columnA: Int
    /// How far apart the rows of B are.
    var rowB = PanelProduct.width
    /// How far apart the rows of starts are: 0 where all rows start from one.
    let rowStart: Int
    /// How far apart the rows of C start.
    let rowC: Int

    /// Whether registers of sixteen floats are used.
    var isWide = Self.hasWideRegisters

    /// Whether the processor has registers of sixteen floats.
    static let hasWideRegisters = wide_strip_is_supported() != 0

    /// The columns of three registers of eight.
    private var width: Int { 24 }

    /// Any number of rows by the first `columns` of a panel.
    ///
    /// - Parameters:
    ///   - columns: at most a panel's.
    ///   - a: the first row.
    ///   - b: the panel, or rows `rowB` apart.
    ///   - start: what the first row starts from, a panel's row, or as many as `columns` within C.
    ///   - c: the first row; what stands past `columns` is neither read nor written.
    @inline(__always)
    func strip(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        guard !isWide else {
            var shape = wide_strip(
                rows: rows, columns: columns, k: k, row_a: rowA, column_a: columnA, row_b: rowB,
                row_start: rowStart, row_c: rowC)
            return unsafe wide_strip_multiply(&shape, a, b, start, c)
        }
        var column = 0
        while column < columns {
            let rest = columns &- column
            let part = rest == 32 ? 16 : min(width, rest)
            unsafe halfStrip(
                rows: rows, columns: part, a, b + column, from: start + column, into: c + column)
            column &+= part
        }
    }

    /// Any number of rows by at most 24 columns.
    private func halfStrip(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        // The common widths leave 16 columns over: they have a tile of their own.
        guard columns == width || columns == 16 else {
            return unsafe narrowStrip(rows: rows, columns: columns, a, b, from: start, into: c)
        }
        var row = 0
        while row &+ 4 <= rows {
            let (a, start) = unsafe (a + row &* rowA, start + row &* rowStart)
            let c = unsafe c + row &* rowC
            if columns == width {
                unsafe fourRows(a, b, from: start, into: c)
            } else {
                unsafe fourShortRows(a, b, from: start, into: c)
            }
            row &+= 4
        }
        while row < rows {
            let (a, start) = unsafe (a + row &* rowA, start + row &* rowStart)
            let c = unsafe c + row &* rowC
            if columns == width {
                unsafe oneRow(a, b, from: start, into: c)
            } else {
                unsafe narrowStrip(rows: 1, columns: columns, a, b, from: start, into: c)
            }
            row &+= 1
        }
    }

    /// As `halfStrip`, through a tile of its own: the last columns of C may be fewer than a tile's.
    private func narrowStrip(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 &* width) { memory in
            guard let y = memory.baseAddress else { return }
            let tile = PanelTile(
                k: k, rowA: rowA, columnA: columnA, rowB: rowB, rowStart: width, rowC: width)
            for first in stride(from: 0, to: rows, by: 4) {
                let count = min(4, rows &- first)
                unsafe y.initialize(repeating: 0, count: 4 &* width)
                for row in 0..<count {
                    let from = unsafe start + (first &+ row) &* rowStart
                    for column in 0..<columns { unsafe y[row &* width &+ column] = from[column] }
                }
                let a = unsafe a + first &* rowA
                if count == 4 {
                    unsafe tile.fourRows(a, b, from: UnsafePointer(y), into: y)
                } else {
                    for row in 0..<count {
                        let y = unsafe y + row &* width
                        unsafe tile.oneRow(a + row &* rowA, b, from: UnsafePointer(y), into: y)
                    }
                }
                for row in 0..<count {
                    let to = unsafe c + (first &+ row) &* rowC
                    for column in 0..<columns { unsafe to[column] = y[row &* width &+ column] }
                }
            }
        }
    }

    /// Four rows by 24 columns: twelve registers of sums, three of B and one of A.
    @inline(never)
    func fourRows(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, from start: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        let (start1, start2) = unsafe (start + rowStart, start + 2 &* rowStart)
        let start3 = unsafe start + 3 &* rowStart
        let (c1, c2, c3) = unsafe (c + rowC, c + 2 &* rowC, c + 3 &* rowC)
        // The sums are written when their line is there: a store that misses holds others up.
        unsafe prefetch(c)
        unsafe prefetch(c1)
        unsafe prefetch(c2)
        unsafe prefetch(c3)
        var (s00, s01, s02) = unsafe (start.eight, (start + 8).eight, (start + 16).eight)
        var (s10, s11, s12) = unsafe (start1.eight, (start1 + 8).eight, (start1 + 16).eight)
        var (s20, s21, s22) = unsafe (start2.eight, (start2 + 8).eight, (start2 + 16).eight)
        var (s30, s31, s32) = unsafe (start3.eight, (start3 + 8).eight, (start3 + 16).eight)
        let (row1, row2, row3) = (rowA, 2 &* rowA, 3 &* rowA)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            let (x, y, z) = unsafe (b.eight, (b + 8).eight, (b + 16).eight)
            let p0 = unsafe Lanes(repeating: a[0])
            s00 = s00.addingProduct(x, p0)
            s01 = s01.addingProduct(y, p0)
            s02 = s02.addingProduct(z, p0)
            let p1 = unsafe Lanes(repeating: a[row1])
            s10 = s10.addingProduct(x, p1)
            s11 = s11.addingProduct(y, p1)
            s12 = s12.addingProduct(z, p1)
            let p2 = unsafe Lanes(repeating: a[row2])
            s20 = s20.addingProduct(x, p2)
            s21 = s21.addingProduct(y, p2)
            s22 = s22.addingProduct(z, p2)
            let p3 = unsafe Lanes(repeating: a[row3])
            s30 = s30.addingProduct(x, p3)
            s31 = s31.addingProduct(y, p3)
            s32 = s32.addingProduct(z, p3)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe c.setEight(s00)
        unsafe (c + 8).setEight(s01)
        unsafe (c + 16).setEight(s02)
        unsafe c1.setEight(s10)
        unsafe (c1 + 8).setEight(s11)
        unsafe (c1 + 16).setEight(s12)
        unsafe c2.setEight(s20)
        unsafe (c2 + 8).setEight(s21)
        unsafe (c2 + 16).setEight(s22)
        unsafe c3.setEight(s30)
        unsafe (c3 + 8).setEight(s31)
        unsafe (c3 + 16).setEight(s32)
    }

    /// Four rows by the first 16 columns of a panel.
    @inline(never)
    private func fourShortRows(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, from start: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        let (start1, start2) = unsafe (start + rowStart, start + 2 &* rowStart)
        let start3 = unsafe start + 3 &* rowStart
        var (s00, s01) = unsafe (start.eight, (start + 8).eight)
        var (s10, s11) = unsafe (start1.eight, (start1 + 8).eight)
        var (s20, s21) = unsafe (start2.eight, (start2 + 8).eight)
        var (s30, s31) = unsafe (start3.eight, (start3 + 8).eight)
        let (row1, row2, row3) = (rowA, 2 &* rowA, 3 &* rowA)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            let (x, y) = unsafe (b.eight, (b + 8).eight)
            let p0 = unsafe Lanes(repeating: a[0])
            s00 = s00.addingProduct(x, p0)
            s01 = s01.addingProduct(y, p0)
            let p1 = unsafe Lanes(repeating: a[row1])
            s10 = s10.addingProduct(x, p1)
            s11 = s11.addingProduct(y, p1)
            let p2 = unsafe Lanes(repeating: a[row2])
            s20 = s20.addingProduct(x, p2)
            s21 = s21.addingProduct(y, p2)
            let p3 = unsafe Lanes(repeating: a[row3])
            s30 = s30.addingProduct(x, p3)
            s31 = s31.addingProduct(y, p3)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe c.setEight(s00)
        unsafe (c + 8).setEight(s01)
        unsafe (c + rowC).setEight(s10)
        unsafe (c + rowC + 8).setEight(s11)
        unsafe (c + 2 &* rowC).setEight(s20)
        unsafe (c + 2 &* rowC + 8).setEight(s21)
        unsafe (c + 3 &* rowC).setEight(s30)
        unsafe (c + 3 &* rowC + 8).setEight(s31)
    }

    /// One row by 24 columns.
    @inline(never)
    func oneRow(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, from start: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        var (s0, s1, s2) = unsafe (start.eight, (start + 8).eight, (start + 16).eight)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            let p = unsafe Lanes(repeating: a[0])
            s0 = unsafe s0.addingProduct(b.eight, p)
            s1 = unsafe s1.addingProduct((b + 8).eight, p)
            s2 = unsafe s2.addingProduct((b + 16).eight, p)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe c.setEight(s0)
        unsafe (c + 8).setEight(s1)
        unsafe (c + 16).setEight(s2)
    }

    /// Both lines that 24 floats may lie in.
    @inline(__always)
    private func prefetch(_ p: UnsafeMutablePointer<Float>) {
        unsafe prefetch_for_writing(p)
        unsafe prefetch_for_writing(p + 23)
    }
}
