import Buffers
import CInstructions

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
    /// How far apart the rows of a B that stands in no panels are; `nil` for panels.
    var plainRowB: Int?

    /// Rows of a panel that are used together, at most.
    ///
    /// They take 24 KiB of a first-level cache where a panel has 16 columns. Panels of 48 come from
    /// the second level in any case. Shorter sums are put down and taken up again more often.
    private static let depthMax = WideRegisters.areThere ? 800 : 384
    /// Rows of A that meet all panels before the next ones do: 150 KiB of a second-level cache.
    static let rowsMax = WideRegisters.areThere ? 48 : 96
    /// Whether it pays to interleave a transposed A, where C has this many columns at least.
    ///
    /// Its columns are a whole row apart, and lines so far apart meet in a few places of a cache.
    private static let interleavedColumnsMin =
        !WideRegisters.areThere
        ? 96 : WideRegisters.haveIntelCaches ? 48 : .max
    /// Whether the panel of the next strip is called for while this one is multiplied.
    private static let callsForNextPanel = !WideRegisters.areThere || WideRegisters.haveIntelCaches

    /// So many rows of a panel are called for ahead of their packing.
    private static let rowsAhead = 8

    private var width: Int { PanelProduct.width }

    /// C = A B and the sums of A's rows, with the columns of A behind each other.
    ///
    /// - Parameter sums: empty where they are not wanted.
    @_lifetime(c: copy c) @_lifetime(sums: copy sums)
    func multiply(
        _ a: Span<Float>, _ b: Span<Float>, into c: inout MutableSpan<Float>,
        sums: inout MutableSpan<Float>
    ) {
        guard isInterleaved && !sums.isEmpty else {
            if !sums.isEmpty { Rows.columnSums(a, into: &sums) }
            return multiply(a, b, bias: Span(), isAdded: false, into: &c)
        }
        // They are added up where A is read into the order of the tiles.
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    unsafe sums.withUnsafeMutableBufferPointer { sums in
                        unsafe sums.update(repeating: 0)
                        guard let c = c.baseAddress else { return }
                        unsafe multiply(
                            a.baseAddress ?? UnsafePointer(c), b.baseAddress ?? UnsafePointer(c),
                            bias: nil, isAdded: false, into: c, sums: sums.baseAddress)
                    }
                }
            }
        }
    }

    /// C = start + A B, B in panels; an empty bias stands for zeros.
    @_lifetime(c: copy c)
    func multiply(
        _ a: Span<Float>, _ panels: Span<Float>, bias: Span<Float>, isAdded: Bool,
        into c: inout MutableSpan<Float>, finish: PanelProduct.FinishRows = { _, _ in }
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
                            a, b, bias: bias.isEmpty ? nil : bias.baseAddress, isAdded: isAdded,
                            into: c, finish: finish)
                    }
                }
            }
        }
    }

    /// The same, between addresses.
    func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        isAdded: Bool, into c: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Float>? = nil, finish: PanelProduct.FinishRows = { _, _ in }
    ) {
        // Parts of one length: a short last one would cost as much of C as a long one.
        let parts = max(1, (k &+ Self.depthMax &- 1) / Self.depthMax)
        let depth = max(8, (k &+ 8 &* parts &- 1) / (8 &* parts) &* 8)
        unsafe withUnsafeTemporaryAllocation(
            of: Float.self, capacity: width &+ (isInterleaved ? Self.rowsMax &* depth : 0)
        ) { memory in
            guard let memory = memory.baseAddress else { return }
            unsafe memory.initialize(repeating: 0, count: width)
            let (zeros, interleaved) = unsafe (UnsafePointer(memory), memory + width)
            // Even without a sum to make, the start is written.
            for first in stride(from: 0, to: max(k, 1), by: depth) {
                let isContinued = isAdded || first > 0
                let tile = PanelTile(
                    k: min(depth, k &- first), rowA: rowA, columnA: columnA,
                    isInterleaved: isInterleaved, rowB: plainRowB ?? width,
                    rowStart: isContinued ? rowC : 0, rowC: rowC)
                for firstRow in stride(from: 0, to: m, by: Self.rowsMax) {
                    let rows = min(Self.rowsMax, m &- firstRow)
                    var a = unsafe a + (firstRow &* rowA &+ first &* columnA)
                    if isInterleaved {
                        let order = InterleavedRows(rows: rows, columns: tile.k)
                        unsafe order.copy(
                            a, columnA: columnA, into: interleaved,
                            sums: sums.map { unsafe $0 + firstRow })
                        unsafe a = UnsafePointer(interleaved)
                    }
                    for column in stride(from: 0, to: n, by: width) {
                        let c = unsafe c + (firstRow &* rowC &+ column)
                        let start = unsafe bias.map { unsafe $0 + column } ?? zeros
                        let next = column &+ width < n ? column &+ width : 0
                        let callsForNext =
                            Self.callsForNextPanel && plainRowB == nil
                            && (next > 0 || firstRow &+ rows < m)
                        unsafe tile.strip(
                            rows: rows, columns: min(width, n &- column), a,
                            b + strip(column, first), from: isContinued ? UnsafePointer(c) : start,
                            into: c, next: callsForNext ? b + strip(next, first) : nil,
                            isFirst: column == 0)
                    }
                    guard first &+ depth >= k, n > 0 else { continue }
                    var span = unsafe MutableSpan(
                        _unsafeStart: c + firstRow &* rowC, count: (rows &- 1) &* rowC &+ n)
                    finish(firstRow..<(firstRow &+ rows), &span)
                }
            }
        }
    }

    /// Whether A is read once into the order of the tiles.
    var isInterleaved: Bool { columnA != 1 && n >= Self.interleavedColumnsMin }

    /// Where the columns from `column` on begin in B, at this row.
    @inline(__always)
    private func strip(_ column: Int, _ row: Int) -> Int {
        plainRowB.map { row &* $0 &+ column } ?? column &* k &+ row &* width
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
    ///
    /// Row by row, whose parts go to the ends of the panels: B is a stream, and the lines that the
    /// panels grow by are called for.
    static func pack(
        _ b: UnsafePointer<Float>, rows k: Int, columns n: Int, stride rowB: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let width = PanelProduct.width
        if width == 16 {
            unsafe pack(b, rows: k, columns: n, stride: rowB, lanes: 2, into: panels)
        } else {
            unsafe pack(b, rows: k, columns: n, stride: rowB, lanes: width / 8, into: panels)
        }
        let rest = n % width
        guard rest > 0 else { return }
        let last = n &- rest
        unsafe copy(b + last, rowB, rows: k, columns: rest, to: panels + last &* k)
    }

    /// The whole panels; where it is inlined with a constant number of lanes, a row's part is a few
    /// instructions.
    @inline(__always)
    private static func pack(
        _ b: UnsafePointer<Float>, rows k: Int, columns n: Int, stride rowB: Int, lanes: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let width = 8 &* lanes
        let ahead = Self.rowsAhead &* width
        for row in 0..<k {
            var (from, to) = unsafe (b + row &* rowB, panels + row &* width)
            for _ in 0..<(n / width) {
                unsafe prefetch_for_writing(to + ahead)
                for lane in 0..<lanes {
                    unsafe (to + lane &* 8).setEight((from + lane &* 8).eight)
                }
                unsafe from += width
                unsafe to += k &* width
            }
        }
    }

    /// Rows of the last panel: so many columns, zeros behind them.
    private static func copy(
        _ x: UnsafePointer<Float>, _ stride: Int, rows: Int, columns: Int,
        to y: UnsafeMutablePointer<Float>
    ) {
        let width = PanelProduct.width
        for row in 0..<rows {
            let (x, y) = unsafe (x + row &* stride, y + row &* width)
            for column in 0..<width { unsafe y[column] = column < columns ? x[column] : 0 }
        }
    }
}
