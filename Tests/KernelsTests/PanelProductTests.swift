import Kernels
import Testing

/// The product of the networks, against its definition and against BLAS.
@Suite struct PanelProductTests {
    /// Sizes around every edge of a tile, a panel and a block, and those of runs.
    static let shapes: [(m: Int, n: Int, k: Int)] =
        [
            (1, 1, 1), (3, 5, 2), (4, 24, 8), (5, 25, 9), (7, 47, 3), (8, 16, 257), (9, 40, 256),
            (4, 48, 0), (6, 23, 511), (33, 70, 50), (64, 64, 64), (200, 64, 256), (67, 192, 513),
            (50, 768, 192), (400, 96, 384), (12, 130, 1300), (13, 104, 40), (205, 131, 390),
        ]

    @Test(arguments: shapes)
    func `every element is one chain of fused multiply-adds from its start`(
        _ shape: (m: Int, n: Int, k: Int)
    ) {
        let (m, n, k) = shape
        let (lda, ldc) = (k + 3, n + 5)
        let a = numbers(m * lda, seed: 1)
        let b = numbers(k * n, seed: 2)
        let bias = numbers(n, seed: 3)
        var c = numbers(m * ldc, seed: 4)
        let before = c
        let panels = packed(b, rows: k, columns: n)
        var span = c.mutableSpan
        PanelProduct.multiply(
            m: m, n: n, k: k, a: a.span, lda: lda, panels: panels.span, bias: bias.span, c: &span,
            ldc: ldc)
        for i in 0..<m {
            for j in 0..<ldc {
                guard j < n else {
                    #expect(c[i * ldc + j] == before[i * ldc + j], "beside C")
                    continue
                }
                var sum = bias[j]
                for l in 0..<k { sum.addProduct(a[i * lda + l], b[l * n + j]) }
                guard sum.bitPattern == c[i * ldc + j].bitPattern else {
                    Issue.record("element (\(i), \(j)) of \(shape)")
                    return
                }
            }
        }
    }

    @Test(arguments: shapes)
    func `a sum that is added to goes on where it was`(_ shape: (m: Int, n: Int, k: Int)) {
        let (m, n, k) = shape
        let a = numbers(m * k, seed: 5)
        let b = numbers(k * n, seed: 6)
        let start = numbers(m * n, seed: 7)
        var c = start
        let panels = packed(b, rows: k, columns: n)
        var span = c.mutableSpan
        PanelProduct.multiply(
            m: m, n: n, k: k, a: a.span, panels: panels.span, isAdded: true, c: &span)
        expectChains(
            c, rows: m, columns: n, k: k, start: { start[$0 * n + $1] }, a: { a[$0 * k + $1] },
            b: { b[$0 * n + $1] })
    }

    @Test(arguments: shapes)
    func `a transposed left factor gives the chains of its columns`(
        _ shape: (m: Int, n: Int, k: Int)
    ) {
        let (m, n, k) = shape
        let a = numbers(k * m, seed: 10)
        let b = numbers(k * n, seed: 11)
        let panels = packed(b, rows: k, columns: n)
        for isAdded in [false, true] {
            let start = isAdded ? numbers(m * n, seed: 12) : Array(repeating: .nan, count: m * n)
            var c = start
            var span = c.mutableSpan
            PanelProduct.multiplyTransposed(
                m: m, n: n, k: k, a: a.span, panels: panels.span, isAdded: isAdded, c: &span)
            expectChains(
                c, rows: m, columns: n, k: k, start: { isAdded ? start[$0 * n + $1] : 0 },
                a: { a[$1 * m + $0] }, b: { b[$0 * n + $1] })
        }
    }

    @Test(arguments: shapes)
    func `a layer's gradients have the bits of a product in panels and of sums over columns`(
        _ shape: (m: Int, n: Int, k: Int)
    ) {
        let (m, n, k) = shape
        let (a, b) = (numbers(k * m, seed: 13), numbers(k * n, seed: 14))
        for wantsSums in [true, false] {
            var c = [Float](repeating: .nan, count: m * n)
            var sums = [Float](repeating: .nan, count: wantsSums ? m : 0)
            var scratch = [Float](
                repeating: .nan, count: PanelProduct.layerGradientScratchCount(m: m, n: n, k: k))
            var span = c.mutableSpan
            var total = sums.mutableSpan
            var room = scratch.mutableSpan
            PanelProduct.layerGradient(
                m: m, n: n, k: k, a: a.span, b: b.span, c: &span, sums: &total, scratch: &room)
            expectChains(
                c, rows: m, columns: n, k: k, start: { _, _ in 0 }, a: { a[$1 * m + $0] },
                b: { b[$0 * n + $1] })
            for (column, sum) in sums.enumerated() {
                #expect(sum == (0..<k).reduce(Float(0)) { $0 + a[$1 * m + column] })
            }
        }
    }

    @Test(arguments: shapes)
    func `rows are finished once, in order, when they are whole`(
        _ shape: (m: Int, n: Int, k: Int)
    ) {
        let (m, n, k) = shape
        let (a, b) = (numbers(m * k, seed: 15), numbers(k * n, seed: 16))
        let panels = packed(b, rows: k, columns: n)
        var (whole, c) = (
            [Float](repeating: .nan, count: m * n), [Float](repeating: .nan, count: m * n)
        )
        var span = c.mutableSpan
        var other = whole.mutableSpan
        PanelProduct.multiply(m: m, n: n, k: k, a: a.span, panels: panels.span, c: &other)
        var finished = 0
        PanelProduct.multiply(m: m, n: n, k: k, a: a.span, panels: panels.span, c: &span) {
            rows, part in
            #expect(rows.lowerBound == finished && part.count == rows.count * n)
            finished = rows.upperBound
            Vector.scale(&part, by: 2)
        }
        #expect(finished == m)
        #expect(c == whole.map { 2 * $0 })
    }

    @Test(arguments: shapes)
    func `a transpose is packed as the matrix is`(_ shape: (m: Int, n: Int, k: Int)) {
        let (n, k) = (shape.n, shape.k)
        let w = numbers(n * k, seed: 17)
        let b = (0..<(k * n)).map { w[$0 % n * k + $0 / n] }
        var panels = [Float](
            repeating: .nan, count: PanelProduct.floatCount(rows: k, columns: n))
        var span = panels.mutableSpan
        PanelProduct.packTransposed(w.span, rows: k, columns: n, into: &span)
        #expect(panels == packed(b, rows: k, columns: n))
    }

    @Test(arguments: shapes)
    func `BLAS finds the same product within its error`(_ shape: (m: Int, n: Int, k: Int)) {
        let (m, n, k) = shape
        let a = numbers(m * k, seed: 8)
        let w = numbers(n * k, seed: 9)
        var panels = [Float](
            repeating: .nan, count: PanelProduct.floatCount(rows: k, columns: n))
        var panelSpan = panels.mutableSpan
        PanelProduct.packTransposed(w.span, rows: k, columns: n, into: &panelSpan)
        var (ours, theirs) = (
            [Float](repeating: .nan, count: m * n), [Float](repeating: 0, count: m * n)
        )
        var x = ours.mutableSpan
        var y = theirs.mutableSpan
        PanelProduct.multiply(m: m, n: n, k: k, a: a.span, panels: panels.span, c: &x)
        sgemm(transB: .transposed, m: m, n: n, k: k, a: a.span, b: w.span, c: &y)
        // The rounding of a sum of k products of numbers below 1.
        let limit = 2e-6 * Float(max(k, 1)).squareRoot()
        for index in 0..<(m * n) { #expect(abs(ours[index] - theirs[index]) <= limit) }
    }

    private func packed(_ b: [Float], rows: Int, columns: Int) -> [Float] {
        var panels = [Float](
            repeating: .nan, count: PanelProduct.floatCount(rows: rows, columns: columns))
        var span = panels.mutableSpan
        PanelProduct.pack(b.span, rows: rows, columns: columns, into: &span)
        return panels
    }
}
