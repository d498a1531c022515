import Buffers

extension ConvolutionWindows {
    /// Adds to the gradient of the weights: sum += rows^T g.
    ///
    /// Each element continues its chain of fused multiply-adds, from the first window to the last:
    /// a sum over all windows has the same bits, however they are cut into blocks.
    ///
    /// - Parameters:
    ///   - rows: unfolded windows, `[count, windowCount]`.
    ///   - panels: the gradients of their outputs `[count, outputs]`, in panels.
    ///   - sum: `[windowCount, outputs]`.
    @_lifetime(sum: copy sum)
    public func addWeightGradient(
        _ rows: Span<Float>, panels: Span<Float>, outputs: Int, to sum: inout MutableSpan<Float>
    ) {
        let (m, count) = (windowCount, Rows.rowCount(rows.count, width: windowCount))
        precondition(
            panels.count == PanelProduct.floatCount(rows: count, columns: outputs)
                && sum.count == m * outputs, "gradients of other sizes")
        let width = PanelProduct.width
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe panels.withUnsafeBufferPointer { panels in
                unsafe sum.withUnsafeMutableBufferPointer { sum in
                    guard let a = rows.baseAddress, let b = panels.baseAddress,
                        let c = sum.baseAddress
                    else { return }
                    for first in Swift.stride(from: 0, to: count, by: Self.depth) {
                        let tile = PanelTile(
                            k: min(Self.depth, count &- first), rowA: 1, columnA: m,
                            rowStart: outputs, rowC: outputs)
                        for column in Swift.stride(from: 0, to: outputs, by: width) {
                            let c = unsafe c + column
                            unsafe tile.strip(
                                rows: m, columns: min(width, outputs &- column), a + first &* m,
                                b + (column &* count &+ first &* width), from: UnsafePointer(c),
                                into: c)
                        }
                    }
                }
            }
        }
    }

    /// Windows that are summed together: few enough for their lines to stay in a first-level cache.
    private static let depth = 64
}
