import Buffers

/// Products of matrices on one thread whose bits are defined: what the layers of networks compute.
///
/// Element (i, j) of C = start + A B is one chain of fused multiply-adds, from the first l to the
/// last: fma(A(i, k-1), B(k-1, j), ... fma(A(i, 0), B(0, j), start)). Its bits are those of IEEE
/// 754 on every processor, whatever the sizes, the other rows and columns, and the blocks that the
/// loops go through for the sake of caches.
///
/// The right factor stands in panels: some columns behind each other, in each of them row behind
/// row, and zeros past the last column. Weights are packed once and used by many products.
public enum PanelProduct {
    /// The columns of a panel: three registers of sixteen floats where the processor has them, two
    /// of eight elsewhere.
    ///
    /// No result depends on it, and panels never leave their process.
    public static let width = WideRegisters.areThere ? 48 : 16

    /// The number of panels of a matrix with n columns.
    public static func panelCount(columns n: Int) -> Int { (n + width - 1) / width }

    /// The floats that a matrix `[k, n]` takes in panels.
    public static func floatCount(rows k: Int, columns n: Int) -> Int {
        panelCount(columns: n) * k * width
    }

    /// Packs B into panels.
    ///
    /// - Parameters:
    ///   - b: `[k, n]`, rows `stride` floats apart (default n).
    ///   - panels: ``floatCount(rows:columns:)`` floats.
    @_lifetime(panels: copy panels)
    public static func pack(
        _ b: Span<Float>, rows k: Int, columns n: Int, stride: Int? = nil,
        into panels: inout MutableSpan<Float>
    ) {
        let stride = stride ?? n
        check(b.count, rows: k, columns: n, stride: stride)
        precondition(panels.count == floatCount(rows: k, columns: n), "panels of another size")
        PanelBlocks.pack(b, rows: k, columns: n, stride: stride, into: &panels)
    }

    /// Packs the transpose of a matrix into panels.
    ///
    /// - Parameters:
    ///   - w: `[n, k]`, the transpose of B.
    ///   - panels: ``floatCount(rows:columns:)`` floats, for k rows and n columns.
    @_lifetime(panels: copy panels)
    public static func packTransposed(
        _ w: Span<Float>, rows k: Int, columns n: Int, into panels: inout MutableSpan<Float>
    ) {
        check(w.count, rows: n, columns: k, stride: k)
        precondition(panels.count == floatCount(rows: k, columns: n), "panels of another size")
        // Zeros past the last column.
        if n % width != 0 {
            var last = panels._mutatingExtracting(last: k &* width)
            Vector.fill(&last, with: 0)
        }
        unsafe w.withUnsafeBufferPointer { w in
            unsafe panels.withUnsafeMutableBufferPointer { panels in
                guard let w = w.baseAddress, let panels = panels.baseAddress else { return }
                for column in stride(from: 0, to: n, by: width) {
                    let block = Transpose(rows: min(width, n &- column), columns: k)
                    unsafe block(w + column &* k, k, into: panels + column &* k, width)
                }
            }
        }
    }

    static func check(_ count: Int, rows: Int, columns: Int, stride: Int) {
        precondition(
            rows >= 0 && columns >= 0 && stride >= columns
                && (rows == 0 || columns == 0 || (rows - 1) * stride + columns <= count),
            "a matrix [\(rows), \(columns)] with rows \(stride) apart in \(count) floats")
    }
}
