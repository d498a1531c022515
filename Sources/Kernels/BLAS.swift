import COpenBLAS

/// Whether a matrix enters a product as it lies in memory or transposed.
public enum Transposition: Sendable {
    /// As it lies in memory.
    case none
    /// Rows and columns exchanged.
    case transposed

    fileprivate var code: CBLAS_TRANSPOSE { self == .none ? CblasNoTrans : CblasTrans }
}

/// C = alpha op(A) op(B) + beta C for row-major matrices, on one thread.
///
/// The bits depend on the shape, on alpha and beta and on the core that OpenBLAS detected (see
/// `NumericsEnvironment`): the same rows computed in a product of another size may differ.
/// `m` is the number of rows of C, `n` of its columns, `k` the length of the sums.
///
/// - Parameters:
///   - a: op(A) is `[m, k]`: rows of A start `lda` floats apart (default: packed).
///   - b: op(B) is `[k, n]`: rows of B start `ldb` floats apart (default: packed).
///   - beta: 0 overwrites C without reading it, 1 adds to it.
///   - c: `[m, n]`, rows `ldc` floats apart (default: packed).
@_lifetime(c: copy c)
public func sgemm(
    transA: Transposition = .none, transB: Transposition = .none, m: Int, n: Int, k: Int,
    alpha: Float = 1, a: Span<Float>, b: Span<Float>, beta: Float = 0,
    c: inout MutableSpan<Float>, lda: Int? = nil, ldb: Int? = nil, ldc: Int? = nil
) {
    guard m > 0, n > 0 else { return }
    let lda = lda ?? max(1, transA == .none ? k : m)
    let ldb = ldb ?? max(1, transB == .none ? n : k)
    let ldc = ldc ?? n
    let (rowsA, columnsA) = transA == .none ? (m, k) : (k, m)
    let (rowsB, columnsB) = transB == .none ? (k, n) : (n, k)
    checkExtent("A", rows: rowsA, columns: columnsA, stride: lda, count: a.count)
    checkExtent("B", rows: rowsB, columns: columnsB, stride: ldb, count: b.count)
    checkExtent("C", rows: m, columns: n, stride: ldc, count: c.count)
    setOneThread
    unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
            unsafe c.withUnsafeMutableBufferPointer { c in
                unsafe cblas_sgemm(
                    CblasRowMajor, transA.code, transB.code, blasint(m), blasint(n), blasint(k),
                    alpha, a.baseAddress, blasint(lda), b.baseAddress, blasint(ldb), beta,
                    c.baseAddress, blasint(ldc))
            }
        }
    }
}

/// The core whose kernels OpenBLAS uses in this process, as it names it.
func blasCoreName() -> String {
    guard let name = unsafe openblas_get_corename() else { return "unknown" }
    return unsafe String(cString: name)
}

/// The number of threads that OpenBLAS uses; 1 after the first product.
func blasThreadCount() -> Int {
    setOneThread
    return Int(openblas_get_num_threads())
}

/// One thread, set once before the first product: sums split over threads have other bits.
private let setOneThread: Void = openblas_set_num_threads(1)

private func checkExtent(
    _ name: StaticString, rows: Int, columns: Int, stride: Int, count: Int
) {
    precondition(
        stride >= max(1, columns) && rows <= Int(Int32.max) && stride <= Int(Int32.max),
        "sgemm: rows of \(name) hold \(columns) floats but start \(stride) apart")
    precondition(
        rows == 0 || columns == 0 || (rows - 1) * stride + columns <= count,
        "sgemm: \(name) is [\(rows), \(columns)] with stride \(stride), memory holds \(count)")
}
