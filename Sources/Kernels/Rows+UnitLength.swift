import Buffers

/// Sums over a row have the order of `Vector`.
extension Rows {
    /// y = x / max(|x|, epsilon) of each row, and max(|x|, epsilon) itself.
    @_lifetime(y: copy y) @_lifetime(lengths: copy lengths)
    public static func normalize(
        _ x: Span<Float>, width: Int, epsilon: Float, into y: inout MutableSpan<Float>,
        lengths: inout MutableSpan<Float>
    ) {
        let height = rowCount(x.count, width: width)
        precondition(y.count == x.count && lengths.count == height, "normalize: counts differ")
        for row in 0..<height {
            let start = row &* width
            let square = Vector.reduce(width) { sum, index, part in
                let value = x.lanes(at: start &+ index, upTo: part)
                return sum.addingProduct(value, value)
            }
            let root = square.squareRoot()
            let length = root < epsilon ? epsilon : root
            lengths[row] = length
            var column = 0
            while column < width {
                let part = min(8, width &- column)
                let value = x.lanes(at: start &+ column, upTo: part) / length
                y.setLanes(value, at: start &+ column, upTo: part)
                column &+= 8
            }
        }
    }

    /// The gradient of `normalize` from its results.
    ///
    /// It is (g - y (y g)) / length with the inner product y g; where epsilon stood in for the
    /// length, g / epsilon, as in PyTorch.
    @_lifetime(dx: copy dx)
    public static func normalizeGradient(
        _ y: Span<Float>, lengths: Span<Float>, gradient g: Span<Float>, width: Int,
        epsilon: Float, into dx: inout MutableSpan<Float>
    ) {
        let height = rowCount(y.count, width: width)
        precondition(
            g.count == y.count && dx.count == y.count && lengths.count == height,
            "normalize gradient: counts differ")
        for row in 0..<height {
            let (start, length) = (row &* width, lengths[row])
            var along: Float = 0
            if length > epsilon {
                along = Vector.reduce(width) { sum, index, part in
                    sum.addingProduct(
                        y.lanes(at: start &+ index, upTo: part),
                        g.lanes(at: start &+ index, upTo: part))
                }
            }
            var column = 0
            while column < width {
                let (part, index) = (min(8, width &- column), start &+ column)
                let across =
                    g.lanes(at: index, upTo: part) - y.lanes(at: index, upTo: part) * along
                dx.setLanes(across / length, at: index, upTo: part)
                column &+= 8
            }
        }
    }
}
