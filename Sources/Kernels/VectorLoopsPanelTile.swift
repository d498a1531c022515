import Buffers
import CInstructions
import CWideKernels

/// The innermost loops of `PanelProduct`: a few rows of C by one panel of columns.
///
/// Where the processor has registers of sixteen floats they are used (`CWideKernels`), elsewhere
/// those of eight: tiles of six rows by 16 columns, whose part of a panel is one cache line a row.
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
    /// Whether A was interleaved by `InterleavedRows` for tiles of these rows.
    var isInterleaved = false
    /// How far apart the rows of B are.
    var rowB = PanelProduct.width
    /// How far apart the rows of starts are: 0 where all rows start from one.
    let rowStart: Int
    /// How far apart the rows of C start.
    let rowC: Int

    /// Whether registers of sixteen floats are used.
    var isWide = WideRegisters.areThere

    /// The columns of two registers of eight.
    private var width: Int { 16 }

    /// Any number of rows by the first `columns` of a panel.
    ///
    /// - Parameters:
    ///   - columns: at most a panel's.
    ///   - a: the first row.
    ///   - b: the panel, or rows `rowB` apart.
    ///   - start: what the first row starts from, a panel's row, or as many as `columns` within C.
    ///   - c: the first row; what stands past `columns` is neither read nor written.
    ///   - next: the panel of the next strip: it is called for while this one is multiplied.
    ///   - isFirst: whether this strip is the first that reads these rows of A.
    @inline(__always)
    func strip(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        next: UnsafePointer<Float>? = nil, isFirst: Bool = false
    ) {
        guard !isWide else {
            var shape = unsafe wide_strip(
                rows: rows, columns: columns, k: k, row_a: rowA, column_a: columnA,
                is_interleaved: isInterleaved ? 1 : 0,
                calls_for_rows: isFirst && columnA == 1 ? 1 : 0, row_b: rowB,
                row_start: rowStart, row_c: rowC, next: next,
                next_lines: next == nil ? 0 : k &* PanelProduct.width / 16)
            return unsafe wide_strip_multiply(&shape, a, b, start, c)
        }
        for column in stride(from: 0, to: columns, by: width) {
            unsafe lineStrip(
                rows: rows, columns: min(width, columns &- column), a, b + column,
                from: start + column, into: c + column, next: next)
        }
    }

    /// Any number of rows by at most 16 columns.
    private func lineStrip(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        next: UnsafePointer<Float>?
    ) {
        let tiles = TileRows(of: rows)
        let rowA = isInterleaved ? k : rowA
        var (a, start, c) = unsafe (a, start, c)
        for index in 0..<tiles.count {
            let count = tiles[index]
            // The first four tiles call for a quarter of the next panel each, one line with every
            // four terms; what others call for is there.
            let quarter = unsafe index < 4 ? next : nil
            let called = unsafe quarter.map { unsafe $0 + index &* (k / 4) &* width } ?? b
            if columns == width {
                unsafe tile(rows: count, a, b, from: start, into: c, next: called)
            } else {
                unsafe narrowTile(rows: count, columns: columns, a, b, from: start, into: c)
            }
            unsafe a += count &* rowA
            unsafe start += count &* rowStart
            unsafe c += count &* rowC
        }
    }

    /// As `tile`, through memory of its own: the last columns of C may be fewer than a tile's.
    private func narrowTile(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 6 &* width) { memory in
            guard let y = memory.baseAddress else { return }
            unsafe y.initialize(repeating: 0, count: 6 &* width)
            for row in 0..<rows {
                let (to, from) = unsafe (y + row &* width, start + row &* rowStart)
                for column in 0..<columns { unsafe to[column] = from[column] }
            }
            let whole = PanelTile(
                k: k, rowA: rowA, columnA: columnA, isInterleaved: isInterleaved, rowB: rowB,
                rowStart: width, rowC: width)
            unsafe whole.tile(rows: rows, a, b, from: UnsafePointer(y), into: y, next: b)
            for row in 0..<rows {
                let (to, from) = unsafe (c + row &* rowC, y + row &* width)
                for column in 0..<columns { unsafe to[column] = from[column] }
            }
        }
    }

    /// Six rows, four or one by 16 columns.
    @inline(__always)
    private func tile(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        next: UnsafePointer<Float>
    ) {
        let (row, column) = isInterleaved ? (1, rows) : (rowA, columnA)
        switch rows {
        case 6 where isInterleaved && rowB == width:
            unsafe sixInterleavedRows(a, b, from: start, into: c, next: next)
        case 6 where columnA == 1 && rowB == width:
            unsafe sixRowsAlong(a, rowA, b, from: start, into: c, next: next)
        case 6: unsafe sixRows(a, row, column, b, from: start, into: c, next: next)
        case 4: unsafe fourRows(a, row, column, b, from: start, into: c)
        default: unsafe oneRow(a, column, b, from: start, into: c)
        }
    }
}
