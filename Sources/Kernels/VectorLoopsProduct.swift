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
    func callAsFunction(
        _ a: UnsafePointer<Float>, rowA: Int, columnA: Int, _ b: UnsafePointer<Float>, rowB: Int,
        into c: UnsafeMutablePointer<Float>, rowC: Int
    ) {
        // Wide registers take all columns in strips of one width, since those of a single register
        // wait for their sums; those of eight take two at a time.
        let strips = max(1, (n &+ PanelProduct.width &- 1) / PanelProduct.width)
        let width = isWide ? (n &+ 16 &* strips &- 1) / (16 &* strips) &* 16 : 16
        let end = isWide ? n : n &- n % 16
        let tile = PanelTile(
            k: k, rowA: rowA, columnA: columnA, rowB: rowB, rowStart: 0, rowC: rowC,
            isWide: isWide)
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: max(16, width)) { zeros in
            unsafe zeros.initialize(repeating: 0)
            guard let start = zeros.baseAddress else { return }
            for column in stride(from: 0, to: end, by: max(16, width)) {
                unsafe tile.strip(
                    rows: m, columns: min(width, n &- column), a, b + column,
                    from: UnsafePointer(start), into: c + column, isFirst: column == 0)
            }
        }
        guard end < n else { return }
        let eights = end &+ 8 <= n ? end &+ 8 : end
        if eights > end {
            unsafe eightColumns(a, rowA, columnA, b + end, rowB, c + end, rowC)
        }
        for column in eights..<n {
            for row in 0..<m {
                var sum: Float = 0
                for l in 0..<k {
                    unsafe sum.addProduct(
                        a[row &* rowA &+ l &* columnA], b[l &* rowB &+ column])
                }
                unsafe c[row &* rowC &+ column] = sum
            }
        }
    }

    /// All rows by eight columns.
    private func eightColumns(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int
    ) {
        let tiles = TileRows(of: m)
        var (a, c) = unsafe (a, c)
        for index in 0..<tiles.count {
            let rows = tiles[index]
            switch rows {
            case 6: unsafe sixByEight(a, rowA, columnA, b, rowB, c, rowC)
            case 4: unsafe fourByEight(a, rowA, columnA, b, rowB, c, rowC)
            default: unsafe oneByEight(a, columnA, b, rowB, c)
            }
            unsafe a += rows &* rowA
            unsafe c += rows &* rowC
        }
    }

    @inline(__always)
    private func sixByEight(
        _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int, _ b: UnsafePointer<Float>,
        _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int
    ) {
        let zero = Lanes(repeating: 0)
        var (s0, s1, s2, s3, s4, s5) = (zero, zero, zero, zero, zero, zero)
        var (a0, a3, b0) = unsafe (a, a + 3 &* rowA, b)
        for _ in 0..<k {
            let x = unsafe b0.eight
            s0 = unsafe s0.addingProduct(x, Lanes(repeating: a0[0]))
            s1 = unsafe s1.addingProduct(x, Lanes(repeating: a0[rowA]))
            s2 = unsafe s2.addingProduct(x, Lanes(repeating: a0[2 &* rowA]))
            s3 = unsafe s3.addingProduct(x, Lanes(repeating: a3[0]))
            s4 = unsafe s4.addingProduct(x, Lanes(repeating: a3[rowA]))
            s5 = unsafe s5.addingProduct(x, Lanes(repeating: a3[2 &* rowA]))
            unsafe a0 += columnA
            unsafe a3 += columnA
            unsafe b0 += rowB
        }
        unsafe c.setEight(s0)
        unsafe (c + rowC).setEight(s1)
        unsafe (c + 2 &* rowC).setEight(s2)
        unsafe (c + 3 &* rowC).setEight(s3)
        unsafe (c + 4 &* rowC).setEight(s4)
        unsafe (c + 5 &* rowC).setEight(s5)
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
