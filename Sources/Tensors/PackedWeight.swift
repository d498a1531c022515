public import Buffers
import Kernels

/// The weight of a linear layer as its products read it: W^T in panels for y = x W^T, and W in
/// panels for dL/dx = dL/dy W.
///
/// Packing moves each number twice, a product uses it once for every row of x: so a weight is
/// packed once for all the slices that it serves.
public struct PackedWeight: Sendable {
    /// The weight's shape, `[out, in]`.
    public let shape: Shape
    /// W^T `[in, out]` in panels.
    let transposed: Tensor
    /// W `[out, in]` in panels.
    let plain: Tensor

    /// Packs a weight.
    ///
    /// - Parameters:
    ///   - weight: `[out, in]`.
    ///   - pool: where the memory comes from; `nil` means the system.
    public init(_ weight: Tensor, pool: BufferPool? = nil) {
        precondition(weight.shape.rank == 2, "a weight of shape \(weight.shape) has no panels")
        shape = weight.shape
        let (outs, ins) = (shape[0], shape[1])
        var transposed = Tensor(
            uninitialized: [PanelProduct.floatCount(rows: ins, columns: outs)], pool: pool)
        var panels = transposed.mutableSpan
        PanelProduct.packTransposed(weight.span, rows: ins, columns: outs, into: &panels)
        var plain = Tensor(
            uninitialized: [PanelProduct.floatCount(rows: outs, columns: ins)], pool: pool)
        panels = plain.mutableSpan
        PanelProduct.pack(weight.span, rows: outs, columns: ins, into: &panels)
        self.transposed = transposed
        self.plain = plain
    }
}
