import Buffers
import CInstructions

// The tiles themselves, in registers of eight floats. Each is a function of its own: inlined
// beside each other they would not all keep their sums in registers.
extension PanelTile {
    /// Six rows by 16 columns, A as it stands anywhere.
    @inline(never)
    func sixRows(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        next: UnsafePointer<Float>
    ) {
        unsafe sixRows(a, rowA, columnA, b, rowB, from: start, into: c, calling: next)
    }

    /// Six rows by 16 columns of a panel, the columns of A beside each other.
    @inline(never)
    func sixRowsAlong(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        next: UnsafePointer<Float>
    ) {
        unsafe sixRows(a, rowA, 1, b, 16, from: start, into: c, calling: next)
    }

    /// Six rows by 16 columns of a panel, A interleaved.
    @inline(never)
    func sixInterleavedRows(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, from start: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, next: UnsafePointer<Float>
    ) {
        unsafe sixRows(a, 1, 6, b, 16, from: start, into: c, calling: next)
    }

    /// Six rows by 16 columns, four terms of the sums at a time.
    ///
    /// The lines of `next` are called for, one with each four terms.
    @inline(__always)
    private func sixRows(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
        calling next: UnsafePointer<Float>
    ) {
        // The sums are written when their line is there: a store that misses holds others up.
        for row in 0..<6 { unsafe prefetch_for_writing(c + row &* rowC) }
        var sums = unsafe SixRowSums(start, rowStart)
        var (a, b, next) = unsafe (a, b, next)
        for _ in 0..<(k / 4) {
            unsafe prefetch_into_second_level(next)
            unsafe next += 16
            for _ in 0..<4 {
                unsafe sums.add(a, rowA, b)
                unsafe a += columnA
                unsafe b += rowB
            }
        }
        for _ in 0..<(k % 4) {
            unsafe sums.add(a, rowA, b)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe sums.store(c, rowC)
    }

    /// Four rows by 16 columns.
    @inline(never)
    func fourRows(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        var row0 = unsafe RowSums(start)
        var row1 = unsafe RowSums(start + rowStart)
        var row2 = unsafe RowSums(start + 2 &* rowStart)
        var row3 = unsafe RowSums(start + 3 &* rowStart)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            let (x, y) = unsafe (b.eight, (b + 8).eight)
            unsafe row0.add(a[0], x, y)
            unsafe row1.add(a[rowA], x, y)
            unsafe row2.add(a[2 &* rowA], x, y)
            unsafe row3.add(a[3 &* rowA], x, y)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe row0.store(c)
        unsafe row1.store(c + rowC)
        unsafe row2.store(c + 2 &* rowC)
        unsafe row3.store(c + 3 &* rowC)
    }

    /// One row by 16 columns.
    @inline(never)
    func oneRow(
        _ a: UnsafePointer<Float>, _ columnA: Int, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        var sums = unsafe RowSums(start)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            unsafe sums.add(a[0], b.eight, (b + 8).eight)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe sums.store(c)
    }
}

/// The sums of one row by 16 columns.
@safe private struct RowSums {
    private var s0, s1: Lanes

    @inline(__always)
    init(_ start: UnsafePointer<Float>) { (s0, s1) = unsafe (start.eight, (start + 8).eight) }

    /// Adds an element of A times 16 of B.
    @inline(__always)
    mutating func add(_ a: Float, _ x: Lanes, _ y: Lanes) {
        let p = Lanes(repeating: a)
        s0 = s0.addingProduct(x, p)
        s1 = s1.addingProduct(y, p)
    }

    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>) {
        unsafe c.setEight(s0)
        unsafe (c + 8).setEight(s1)
    }
}

/// The sums of six rows by 16 columns: twelve registers, beside which are two of B and one of A.
@safe private struct SixRowSums {
    private var row0, row1, row2, row3, row4, row5: RowSums

    /// Reads six rows, `row` apart.
    @inline(__always)
    init(_ start: UnsafePointer<Float>, _ row: Int) {
        row0 = unsafe RowSums(start)
        row1 = unsafe RowSums(start + row)
        row2 = unsafe RowSums(start + 2 &* row)
        row3 = unsafe RowSums(start + 3 &* row)
        row4 = unsafe RowSums(start + 4 &* row)
        row5 = unsafe RowSums(start + 5 &* row)
    }

    /// Adds six elements of A, `row` apart, times 16 of B.
    @inline(__always)
    mutating func add(_ a: UnsafePointer<Float>, _ row: Int, _ b: UnsafePointer<Float>) {
        let (x, y) = unsafe (b.eight, (b + 8).eight)
        // Three rows from each of two addresses: a chain of additions through all six would take
        // as long as their multiply-adds.
        let a3 = unsafe a + 3 &* row
        unsafe row0.add(a[0], x, y)
        unsafe row1.add(a[row], x, y)
        unsafe row2.add(a[2 &* row], x, y)
        unsafe row3.add(a3[0], x, y)
        unsafe row4.add(a3[row], x, y)
        unsafe row5.add(a3[2 &* row], x, y)
    }

    /// Writes six rows, `row` apart.
    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ row: Int) {
        unsafe row0.store(c)
        unsafe row1.store(c + row)
        unsafe row2.store(c + 2 &* row)
        unsafe row3.store(c + 3 &* row)
        unsafe row4.store(c + 4 &* row)
        unsafe row5.store(c + 5 &* row)
    }
}
