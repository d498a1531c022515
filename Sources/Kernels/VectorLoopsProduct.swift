import Buffers

/// Rows of A against rows of B for matrices too small for BLAS to be worth its packing.
///
/// C(i, j) is the sum over l of A(i, l) B(l, j), from the first l to the last, every product
/// fused into the sum: the same bits for every size and place.
@safe struct LaneProduct {
    let m: Int
    let n: Int
    let k: Int
    /// Whether registers of sixteen floats are used.
    var isWide = WideRegisters.areThere

    /// Computes all of C.
    ///
    /// A(i, l) stands at `a[i rowA + l columnA]`, row l of B starts at `b[l rowB]`, row i of C
    /// at `c[i rowC]`.
    @inline(__always)
    func callAsFunction(
        _ a: UnsafePointer<Float>, rowA: Int, columnA: Int, _ b: UnsafePointer<Float>, rowB: Int,
        into c: UnsafeMutablePointer<Float>, rowC: Int
    ) {
        guard !isWide else {
            return unsafe wide(a, rowA, columnA, b, rowB, c, rowC)
        }
        var column = 0
        while column &+ 16 <= n {
            var row = 0
            while row &+ 4 <= m {
                unsafe fourBySixteen(
                    a + row &* rowA, rowA, columnA, b + column, rowB, c + (row &* rowC &+ column),
                    rowC)
                row &+= 4
            }
            while row < m {
                unsafe oneByEight(
                    a + row &* rowA, columnA, b + column, rowB,
                    c + (row &* rowC &+ column))
                unsafe oneByEight(
                    a + row &* rowA, columnA, b + (column &+ 8), rowB,
                    c + (row &* rowC &+ column &+ 8))
                row &+= 1
            }
            column &+= 16
        }
        while column &+ 8 <= n {
            var row = 0
            while row &+ 4 <= m {
                unsafe fourByEight(
                    a + row &* rowA, rowA, columnA, b + column, rowB, c + (row &* rowC &+ column),
                    rowC)
                row &+= 4
            }
            while row < m {
                unsafe oneByEight(
                    a + row &* rowA, columnA, b + column, rowB, c + (row &* rowC &+ column))
                row &+= 1
            }
            column &+= 8
        }
        while column < n {
            for row in 0..<m {
                var sum: Float = 0
                for l in 0..<k {
                    unsafe sum.addProduct(
                        a[row &* rowA &+ l &* columnA], b[l &* rowB &+ column])
                }
                unsafe c[row &* rowC &+ column] = sum
            }
            column &+= 1
        }
    }

    /// The same in registers of sixteen.
    private func wide(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int
    ) {
        let tile = PanelTile(
            k: k, rowA: rowA, columnA: columnA, rowB: rowB, rowStart: 0, rowC: rowC, isWide: true)
        // Strips of one width: those of a single register wait for their sums.
        let strips = max(1, (n &+ PanelProduct.width &- 1) / PanelProduct.width)
        let width = (n &+ 16 &* strips &- 1) / (16 &* strips) &* 16
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { zeros in
            unsafe zeros.initialize(repeating: 0)
            guard let start = zeros.baseAddress else { return }
            for column in stride(from: 0, to: n, by: max(16, width)) {
                unsafe tile.strip(
                    rows: m, columns: min(width, n &- column), a, b + column,
                    from: UnsafePointer(start), into: c + column, isFirst: column == 0)
            }
        }
    }

    @inline(__always)
    private func fourBySixteen(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int
    ) {
        let zero = Lanes(repeating: 0)
        var (s00, s01, s10, s11) = (zero, zero, zero, zero)
        var (s20, s21, s30, s31) = (zero, zero, zero, zero)
        var (a0, b0) = unsafe (a, b)
        for _ in 0..<k {
            let (x, y) = unsafe (b0.eight, (b0 + 8).eight)
            let p0 = unsafe Lanes(repeating: a0[0])
            s00 = s00.addingProduct(x, p0)
            s01 = s01.addingProduct(y, p0)
            let p1 = unsafe Lanes(repeating: a0[rowA])
            s10 = s10.addingProduct(x, p1)
            s11 = s11.addingProduct(y, p1)
            let p2 = unsafe Lanes(repeating: a0[2 &* rowA])
            s20 = s20.addingProduct(x, p2)
            s21 = s21.addingProduct(y, p2)
            let p3 = unsafe Lanes(repeating: a0[3 &* rowA])
            s30 = s30.addingProduct(x, p3)
            s31 = s31.addingProduct(y, p3)
            unsafe a0 += columnA
            unsafe b0 += rowB
        }
        unsafe c.setEight(s00)
        unsafe (c + 8).setEight(s01)
        unsafe (c + rowC).setEight(s10)
        unsafe (c + (rowC &+ 8)).setEight(s11)
        unsafe (c + 2 &* rowC).setEight(s20)
        unsafe (c + (2 &* rowC &+ 8)).setEight(s21)
        unsafe (c + 3 &* rowC).setEight(s30)
        unsafe (c + (3 &* rowC &+ 8)).setEight(s31)
    }

    @inline(__always)
    private func fourByEight(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int
    ) {
        let zero = Lanes(repeating: 0)
        var (s0, s1, s2, s3) = (zero, zero, zero, zero)
        var (a0, b0) = unsafe (a, b)
        for _ in 0..<k {
            let x = unsafe b0.eight
            s0 = unsafe s0.addingProduct(x, Lanes(repeating: a0[0]))
            s1 = unsafe s1.addingProduct(x, Lanes(repeating: a0[rowA]))
            s2 = unsafe s2.addingProduct(x, Lanes(repeating: a0[2 &* rowA]))
            s3 = unsafe s3.addingProduct(x, Lanes(repeating: a0[3 &* rowA]))
            unsafe a0 += columnA
            unsafe b0 += rowB
        }
        unsafe c.setEight(s0)
        unsafe (c + rowC).setEight(s1)
        unsafe (c + 2 &* rowC).setEight(s2)
        unsafe (c + 3 &* rowC).setEight(s3)
    }

    @inline(__always)
    private func oneByEight(
        _ a: UnsafePointer<Float>, _ columnA: Int, _ b: UnsafePointer<Float>, _ rowB: Int,
        _ c: UnsafeMutablePointer<Float>
    ) {
        var sum = Lanes(repeating: 0)
        for l in 0..<k {
            let p = unsafe Lanes(repeating: a[l &* columnA])
            sum = unsafe sum.addingProduct((b + l &* rowB).eight, p)
        }
        unsafe c.setEight(sum)
    }
}
