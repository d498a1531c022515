public import Tensors
internal import Kernels

/// Rows divided by their length, and the way back for gradients (MLCD sheet, section 2.4).
public struct UnitRows: Sendable {
    /// The least length that a row is divided by.
    public static let lengthMin: Float = 1e-12

    /// v / max(|v|, 1e-12) for each row v, `[n, d]`.
    public let unit: Tensor
    /// max(|v|, 1e-12) of each row, `[n]`.
    public let lengths: Tensor

    /// Normalises rows.
    ///
    /// - Parameter rows: `[n, d]`.
    public init(_ rows: Tensor) {
        precondition(rows.shape.rank == 2, "unit rows of shape \(rows.shape)")
        var unit = Tensor(uninitialized: rows.shape)
        var lengths = Tensor(uninitialized: [rows.shape[0]])
        var unitSpan = unit.mutableSpan
        var lengthSpan = lengths.mutableSpan
        Rows.normalize(
            rows.span, width: rows.shape[1], epsilon: Self.lengthMin, into: &unitSpan,
            lengths: &lengthSpan)
        self.unit = unit
        self.lengths = lengths
    }

    /// Replaces the gradient by the unit rows with that by the rows before normalisation.
    ///
    /// That is (g - (g . v^) v^) / |v|, row by row.
    ///
    /// - Parameter gradient: `[n, d]`.
    public func pullBack(_ gradient: inout Tensor) {
        precondition(
            gradient.shape == unit.shape,
            "gradient \(gradient.shape) of unit rows \(unit.shape)")
        var result = Tensor(uninitialized: gradient.shape)
        var span = result.mutableSpan
        Rows.normalizeGradient(
            unit.span, lengths: lengths.span, gradient: gradient.span, width: unit.shape[1],
            epsilon: Self.lengthMin, into: &span)
        gradient = result
    }

    /// 1 / max(|v|, 1e-12) of one row: what a product with it is multiplied by where the row itself
    /// is left as it is.
    public static func inverseLength(of row: Span<Float>) -> Float {
        1 / max(Vector.sumOfSquares(row).squareRoot(), lengthMin)
    }

    /// Takes from a gradient what points along its row: the rest of the way back, where
    /// 1 / |v| is in the gradient already.
    ///
    /// g - (g . v) v / |v|^2; a row shorter than 1e-12, whose length was replaced, keeps g.
    @_lifetime(gradient: copy gradient)
    public static func flatten(_ gradient: inout MutableSpan<Float>, along row: Span<Float>) {
        let square = Vector.sumOfSquares(row)
        guard square.squareRoot() > lengthMin else { return }
        Vector.axpy(-Vector.dot(gradient.span, row) / square, row, into: &gradient)
    }
}
