extension PanelProduct {
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
    @_lifetime(c: copy c)
    public static func multiply(
        m: Int, n: Int, k: Int, a: Span<Float>, lda: Int? = nil, panels: Span<Float>,
        bias: Span<Float> = Span(), isAdded: Bool = false, c: inout MutableSpan<Float>,
        ldc: Int? = nil
    ) {
        let (lda, ldc) = (lda ?? k, ldc ?? n)
        check(a.count, rows: m, columns: k, stride: lda)
        check(c.count, rows: m, columns: n, stride: ldc)
        precondition(
            panels.count == floatCount(rows: k, columns: n)
                && (bias.isEmpty || (bias.count == n && !isAdded)), "a product of other sizes")
        PanelBlocks(m: m, n: n, k: k, rowA: lda, columnA: 1, rowC: ldc)
            .multiply(a, panels, bias: bias, isAdded: isAdded, into: &c)
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
}
