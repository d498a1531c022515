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
        unsafe c.setSixteen(s00, s01)
        unsafe (c + rowC).setSixteen(s10, s11)
        unsafe (c + 2 &* rowC).setSixteen(s20, s21)
        unsafe (c + 3 &* rowC).setSixteen(s30, s31)
    }

    /// One row by 16 columns.
    @inline(never)
    func oneRow(
        _ a: UnsafePointer<Float>, _ columnA: Int, _ b: UnsafePointer<Float>,
        from start: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>
    ) {
        var (s0, s1) = unsafe (start.eight, (start + 8).eight)
        var (a, b) = unsafe (a, b)
        for _ in 0..<k {
            let p = unsafe Lanes(repeating: a[0])
            s0 = unsafe s0.addingProduct(b.eight, p)
            s1 = unsafe s1.addingProduct((b + 8).eight, p)
            unsafe a += columnA
            unsafe b += rowB
        }
        unsafe c.setSixteen(s0, s1)
    }

}

/// The sums of six rows by 16 columns: twelve registers, beside which are two of B and one of A.
@safe private struct SixRowSums {
    private var s00, s01, s10, s11, s20, s21: Lanes
    private var s30, s31, s40, s41, s50, s51: Lanes

    /// Reads six rows, `row` apart.
    @inline(__always)
    init(_ start: UnsafePointer<Float>, _ row: Int) {
        let (start1, start2) = unsafe (start + row, start + 2 &* row)
        let start3 = unsafe start + 3 &* row
        let (start4, start5) = unsafe (start + 4 &* row, start + 5 &* row)
        (s00, s01) = unsafe (start.eight, (start + 8).eight)
        (s10, s11) = unsafe (start1.eight, (start1 + 8).eight)
        (s20, s21) = unsafe (start2.eight, (start2 + 8).eight)
        (s30, s31) = unsafe (start3.eight, (start3 + 8).eight)
        (s40, s41) = unsafe (start4.eight, (start4 + 8).eight)
        (s50, s51) = unsafe (start5.eight, (start5 + 8).eight)
    }

    /// Adds six elements of A, `row` apart, times 16 of B.
    @inline(__always)
    mutating func add(
        _ a: UnsafePointer<Float>, _ row: Int, _ b: UnsafePointer<Float>
    ) {
        let (x, y) = unsafe (b.eight, (b + 8).eight)
        // Three rows from each of two addresses: a chain of additions through all six would take
        // as long as their multiply-adds.
        let (row1, row2) = (row, 2 &* row)
        let a3 = unsafe a + 3 &* row
        let p0 = unsafe Lanes(repeating: a[0])
        s00 = s00.addingProduct(x, p0)
        s01 = s01.addingProduct(y, p0)
        let p1 = unsafe Lanes(repeating: a[row1])
        s10 = s10.addingProduct(x, p1)
        s11 = s11.addingProduct(y, p1)
        let p2 = unsafe Lanes(repeating: a[row2])
        s20 = s20.addingProduct(x, p2)
        s21 = s21.addingProduct(y, p2)
        let p3 = unsafe Lanes(repeating: a3[0])
        s30 = s30.addingProduct(x, p3)
        s31 = s31.addingProduct(y, p3)
        let p4 = unsafe Lanes(repeating: a3[row1])
        s40 = s40.addingProduct(x, p4)
        s41 = s41.addingProduct(y, p4)
        let p5 = unsafe Lanes(repeating: a3[row2])
        s50 = s50.addingProduct(x, p5)
        s51 = s51.addingProduct(y, p5)
    }

    /// Writes six rows, `row` apart.
    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ row: Int) {
        unsafe c.setSixteen(s00, s01)
        unsafe (c + row).setSixteen(s10, s11)
        unsafe (c + 2 &* row).setSixteen(s20, s21)
        unsafe (c + 3 &* row).setSixteen(s30, s31)
        unsafe (c + 4 &* row).setSixteen(s40, s41)
        unsafe (c + 5 &* row).setSixteen(s50, s51)
    }
}

extension UnsafeMutablePointer<Float> {
    /// Stores sixteen floats.
    @inline(__always)
    fileprivate func setSixteen(_ x: Lanes, _ y: Lanes) {
        unsafe setEight(x)
        unsafe (self + 8).setEight(y)
    }
}
