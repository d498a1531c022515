import Kernels
public import Tensors

/// Rows divided by their length, and the way back for gradients (MLCD sheet, section 2.4).
public struct UnitRows: Sendable {
    /// The least length that a row is divided by.
    public static let lengthMin: Float = 1e-12

    /// v / max(|v|, 1e-12) for each row v, `[n, d]`.
    public let unit: Tensor
    /// |v| of each row, `[n]`.
    public let lengths: [Float]

    /// Normalises rows.
    ///
    /// - Parameter rows: `[n, d]`.
    public init(_ rows: Tensor) {
        precondition(rows.shape.rank == 2, "unit rows of shape \(rows.shape)")
        let (count, width) = (rows.shape[0], rows.shape[1])
        var unit = rows
        var lengths: [Float] = []
        lengths.reserveCapacity(count)
        var span = unit.mutableSpan
        for start in stride(from: 0, to: count * width, by: width) {
            var row = span._mutatingExtracting(start..<(start + width))
            let length = Vector.sumOfSquares(row.span).squareRoot()
            Vector.scale(&row, by: 1 / max(length, Self.lengthMin))
            lengths.append(length)
        }
        self.unit = unit
        self.lengths = lengths
    }

    /// The gradient by the rows before normalisation: (g - (g . v^) v^) / |v|, in place.
    ///
    /// - Parameter gradient: by the unit rows, `[n, d]`; becomes that by the rows.
    public func pullBack(_ gradient: inout Tensor) {
        precondition(
            gradient.shape == unit.shape,
            "gradient \(gradient.shape) of unit rows \(unit.shape)")
        let width = unit.shape[1]
        let unitSpan = unit.span
        var span = gradient.mutableSpan
        for (index, length) in lengths.enumerated() {
            let range = (index * width)..<((index + 1) * width)
            var row = span._mutatingExtracting(range)
            if length > Self.lengthMin {
                let v = unitSpan.extracting(range)
                Vector.axpy(-Vector.dot(row.span, v), v, into: &row)
            }
            Vector.scale(&row, by: 1 / max(length, Self.lengthMin))
        }
    }
}
