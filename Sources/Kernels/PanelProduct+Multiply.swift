extension PanelProduct {
    /// What becomes of rows of a product: their numbers, and what they hold.
    public typealias FinishRows = (_ rows: Range<Int>, _ c: inout MutableSpan<Float>) -> Void

    /// C = start + A B.
    ///
    /// - Parameters:
    ///   - m: rows of A and C.
    ///   - n: columns of B and C.
    ///   - k: columns of A, rows of B.
    ///   - a: `[m, k]`, rows `lda` floats apart (default k).
    ///   - panels: B `[k, n]` in panels.
    ///   - bias: `[n]`, the start of each row; empty for zeros.
    ///   - isAdded: whether the start is what C holds, instead of a bias.
    ///   - c: `[m, n]`, rows `ldc` floats apart (default n).
    ///   - finish: called for some rows of C after the others, as soon as they are done and still
    ///     in a cache, with what stands between the first and the last of their elements.
    @_lifetime(c: copy c)
    public static func multiply(
        m: Int, n: Int, k: Int, a: Span<Float>, lda: Int? = nil, panels: Span<Float>,
        bias: Span<Float> = Span(), isAdded: Bool = false, c: inout MutableSpan<Float>,
        ldc: Int? = nil, finish: FinishRows = { _, _ in }
    ) {
        let (lda, ldc) = (lda ?? k, ldc ?? n)
        check(a.count, rows: m, columns: k, stride: lda)
        check(c.count, rows: m, columns: n, stride: ldc)
        precondition(
            panels.count == floatCount(rows: k, columns: n)
                && (bias.isEmpty || (bias.count == n && !isAdded)), "a product of other sizes")
        PanelBlocks(m: m, n: n, k: k, rowA: lda, columnA: 1, rowC: ldc)
            .multiply(a, panels, bias: bias, isAdded: isAdded, into: &c, finish: finish)
    }

    /// C = A^T B, or C + A^T B, as `multiply`.
    ///
    /// - Parameters:
    ///   - m: columns of A, rows of C.
    ///   - n: columns of B and C.
    ///   - k: rows of A and B.
    ///   - a: `[k, m]`.
    ///   - panels: B `[k, n]` in panels.
    ///   - isAdded: whether the start is what C holds, instead of zeros.
    ///   - c: `[m, n]`.
    @_lifetime(c: copy c)
    public static func multiplyTransposed(
        m: Int, n: Int, k: Int, a: Span<Float>, panels: Span<Float>, isAdded: Bool = false,
        c: inout MutableSpan<Float>
    ) {
        check(a.count, rows: k, columns: m, stride: m)
        check(c.count, rows: m, columns: n, stride: n)
        precondition(
            panels.count == floatCount(rows: k, columns: n), "a product of other sizes")
        PanelBlocks(m: m, n: n, k: k, rowA: 1, columnA: m, rowC: n)
            .multiply(a, panels, bias: Span(), isAdded: isAdded, into: &c)
    }

    /// A layer's gradients: of its weight C = A^T B, of its bias the sums of A's columns.
    ///
    /// - Parameters:
    ///   - m: columns of A, rows of C.
    ///   - n: columns of B and C.
    ///   - k: rows of A and B.
    ///   - a: `[k, m]`.
    ///   - b: `[k, n]`.
    ///   - c: `[m, n]`.
    ///   - sums: `[m]`, the bits of `Rows.columnSums`; empty where they are not wanted.
    ///   - scratch: ``layerGradientScratchCount(m:n:k:)`` floats.
    @_lifetime(c: copy c) @_lifetime(sums: copy sums) @_lifetime(scratch: copy scratch)
    public static func layerGradient(
        m: Int, n: Int, k: Int, a: Span<Float>, b: Span<Float>, c: inout MutableSpan<Float>,
        sums: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
    ) {
        let scratchCount = layerGradientScratchCount(m: m, n: n, k: k)
        check(a.count, rows: k, columns: m, stride: m)
        check(b.count, rows: k, columns: n, stride: n)
        check(c.count, rows: m, columns: n, stride: n)
        precondition(
            scratch.count == scratchCount && (sums.isEmpty || sums.count == m),
            "gradients of other sizes")
        let blocks = PanelBlocks(
            m: m, n: n, k: k, rowA: 1, columnA: m, rowC: n, plainRowB: scratchCount == 0 ? n : nil)
        if scratchCount > 0 {
            pack(b, rows: k, columns: n, into: &scratch)
            blocks.multiply(a, scratch.span, into: &c, sums: &sums)
        } else {
            blocks.multiply(a, b, into: &c, sums: &sums)
        }
    }

    /// The floats that ``layerGradient(m:n:k:a:b:c:sums:scratch:)`` packs B `[k, n]` into: none
    /// where it reads rows as they stand.
    ///
    /// That pays where rows are so short that some lie in each page of memory, and where so few
    /// rows of C use a panel that it is not worth its packing.
    public static func layerGradientScratchCount(m: Int, n: Int, k: Int) -> Int {
        let readsRows = WideRegisters.haveIntelCaches && (n <= 256 || (m < n && n <= 800))
        return readsRows ? 0 : floatCount(rows: k, columns: n)
    }
}
