import Buffers

/// The blocks that a product goes through so that what is used again is still in a cache.
@safe struct PanelBlocks {
    /// Rows of A and C.
    let m: Int
    /// Columns of B and C.
    let n: Int
    /// Columns of A, rows of B.
    let k: Int
    /// How far apart the rows of A are, in floats.
    let rowA: Int
    /// How far apart the columns of A are.
    let columnA: Int
    /// How far apart the rows of C are.
    let rowC: Int

    /// Rows of a panel that are used together, 72 KiB: to read them from a second-level cache costs
    /// less than to put shorter sums down and take them up again.
    static let depth = 384
    /// Floats of A that meet all panels before the next rows do: 192 KiB, in a second-level cache.
    static let blockCount = 48 << 10

    private var width: Int { PanelProduct.width }

    /// C = start + A B, B in panels; an empty bias stands for zeros.
    @_lifetime(c: copy c)
    func multiply(
        _ a: Span<Float>, _ panels: Span<Float>, bias: Span<Float>, isAdded: Bool,
        into c: inout MutableSpan<Float>
    ) {
        unsafe a.withUnsafeBufferPointer { a in
            unsafe panels.withUnsafeBufferPointer { panels in
                unsafe bias.withUnsafeBufferPointer { bias in
                    unsafe c.withUnsafeMutableBufferPointer { c in
                        guard let c = c.baseAddress else { return }
                        // Without a sum to make, neither factor is read.
                        let a = unsafe a.baseAddress ?? UnsafePointer(c)
                        let b = unsafe panels.baseAddress ?? UnsafePointer(c)
                        unsafe multiply(
                            a, b, bias: bias.baseAddress, isAdded: isAdded, into: c)
                    }
                }
            }
        }
    }

    /// The same, between addresses.
    func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        isAdded: Bool, into c: UnsafeMutablePointer<Float>
    ) {
        let rowsMax = max(16, Self.blockCount / max(k, 1) / 8 * 8)
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { row in
            guard let start = row.baseAddress else { return }
            for firstRow in stride(from: 0, to: m, by: rowsMax) {
                let rows = min(rowsMax, m &- firstRow)
                for firstColumn in stride(from: 0, to: n, by: width) {
                    let columns = min(width, n &- firstColumn)
                    unsafe Self.fill(start, from: bias.map { unsafe $0 + firstColumn }, columns)
                    // Even without a sum to make, the start is written.
                    for first in stride(from: 0, to: max(k, 1), by: Self.depth) {
                        let isContinued = isAdded || first > 0
                        let tile = PanelTile(
                            k: min(Self.depth, k &- first), rowA: rowA, columnA: columnA,
                            rowStart: isContinued ? rowC : 0, rowC: rowC)
                        let c = unsafe c + (firstRow &* rowC &+ firstColumn)
                        unsafe tile.strip(
                            rows: rows, columns: columns,
                            a + (firstRow &* rowA &+ first &* columnA),
                            b + (firstColumn &* k &+ first &* width),
                            from: isContinued ? UnsafePointer(c) : UnsafePointer(start), into: c)
                    }
                }
            }
        }
    }

    /// Packs B, `[k, n]` with rows `stride` floats apart, into panels of the right size.
    @_lifetime(panels: copy panels)
    static func pack(
        _ b: Span<Float>, rows k: Int, columns n: Int, stride: Int,
        into panels: inout MutableSpan<Float>
    ) {
        unsafe b.withUnsafeBufferPointer { b in
            unsafe panels.withUnsafeMutableBufferPointer { panels in
                guard let b = b.baseAddress, let panels = panels.baseAddress else { return }
                unsafe pack(b, rows: k, columns: n, stride: stride, into: panels)
            }
        }
    }

    /// The same, between addresses.
    static func pack(
        _ b: UnsafePointer<Float>, rows k: Int, columns n: Int, stride rowB: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let width = PanelProduct.width
        for column in stride(from: 0, to: n, by: width) {
            let columns = min(width, n &- column)
            var (from, to) = unsafe (b + column, panels + column &* k)
            for _ in 0..<k {
                if columns == width {
                    for lane in 0..<(width / 8) {
                        unsafe (to + lane &* 8).setEight((from + lane &* 8).eight)
                    }
                } else {
                    unsafe fill(to, from: from, columns)
                }
                unsafe from += rowB
                unsafe to += width
            }
        }
    }

    /// Writes a panel's row: the first `columns` from `x`, zeros behind them.
    private static func fill(
        _ y: UnsafeMutablePointer<Float>, from x: UnsafePointer<Float>?, _ columns: Int
    ) {
        for column in 0..<PanelProduct.width {
            guard let x = unsafe x, column < columns else {
                unsafe y[column] = 0
                continue
            }
            unsafe y[column] = x[column]
        }
    }
}
