import Buffers

/// Sums over a row have the order of `Vector`.
extension Rows {
    /// The softmax of each row: e^(x - max) over its sum.
    @_lifetime(y: copy y)
    public static func softmax(_ x: Span<Float>, width: Int, into y: inout MutableSpan<Float>) {
        precondition(x.count == y.count, "softmax: input and output differ in count")
        for row in 0..<rowCount(x.count, width: width) {
            let start = row &* width
            let total = exponentials(x, start, width, into: &y)
            let factor = Lanes(repeating: 1 / total)
            var column = 0
            while column < width {
                let part = min(8, width &- column)
                let value = y.lanes(at: start &+ column, upTo: part) * factor
                y.setLanes(value, at: start &+ column, upTo: part)
                column &+= 8
            }
        }
    }

    /// The gradient of a softmax: p (g - sum(p g)), from its result p and the gradient g of that.
    @_lifetime(y: copy y)
    public static func softmaxGradient(
        _ p: Span<Float>, _ g: Span<Float>, width: Int, into y: inout MutableSpan<Float>
    ) {
        precondition(p.count == g.count && p.count == y.count, "softmax gradient: counts differ")
        for row in 0..<rowCount(p.count, width: width) {
            let start = row &* width
            let inner = Lanes(
                repeating: Vector.reduce(width) { sum, index, part in
                    sum.addingProduct(
                        p.lanes(at: start &+ index, upTo: part),
                        g.lanes(at: start &+ index, upTo: part))
                })
            var column = 0
            while column < width {
                let (part, index) = (min(8, width &- column), start &+ column)
                let value =
                    p.lanes(at: index, upTo: part) * (g.lanes(at: index, upTo: part) - inner)
                y.setLanes(value, at: index, upTo: part)
                column &+= 8
            }
        }
    }

    /// ln(sum(e^x)) of each row, shifted by its maximum; -infinity for a row of -infinities.
    @_lifetime(y: copy y)
    public static func logSumExp(_ x: Span<Float>, width: Int, into y: inout MutableSpan<Float>) {
        let height = rowCount(x.count, width: width)
        precondition(y.count == height, "logSumExp: \(height) rows, room for \(y.count)")
        for row in 0..<height {
            let start = row &* width
            let largest = maximum(x, start, width)
            guard largest > -.infinity else {
                y[row] = largest
                continue
            }
            let shift = Lanes(repeating: largest)
            let total = Vector.reduce(width) { sum, index, part in
                let value = LaneMath.exp(x.lanes(at: start &+ index, upTo: part) - shift)
                return sum + kept(value, part)
            }
            y[row] = largest + LaneMath.log(total)
        }
    }

    /// Writes e^(x - max) of one row and gives the sum.
    @inline(__always) @_lifetime(y: copy y)
    private static func exponentials(
        _ x: Span<Float>, _ start: Int, _ width: Int, into y: inout MutableSpan<Float>
    ) -> Float {
        let shift = Lanes(repeating: maximum(x, start, width))
        var column = 0
        while column < width {
            let part = min(8, width &- column)
            let value = LaneMath.exp(x.lanes(at: start &+ column, upTo: part) - shift)
            y.setLanes(value, at: start &+ column, upTo: part)
            column &+= 8
        }
        return sum(y, start, width)
    }

    @inline(__always)
    private static func sum(
        _ y: borrowing MutableSpan<Float>, _ start: Int, _ width: Int
    ) -> Float {
        var (s0, s1) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var (s2, s3) = (s0, s1)
        var column = 0
        while column < width {
            s0 += lanes(y, start, column, width)
            s1 += lanes(y, start, column &+ 8, width)
            s2 += lanes(y, start, column &+ 16, width)
            s3 += lanes(y, start, column &+ 24, width)
            column &+= 32
        }
        return LaneMath.sum((s0 + s1) + (s2 + s3))
    }

    @inline(__always)
    private static func lanes(
        _ y: borrowing MutableSpan<Float>, _ start: Int, _ column: Int, _ width: Int
    ) -> Lanes {
        guard column < width else { return Lanes(repeating: 0) }
        return y.lanes(at: start &+ column, upTo: width &- column)
    }

    /// The largest element of one row.
    @inline(__always)
    private static func maximum(_ x: Span<Float>, _ start: Int, _ width: Int) -> Float {
        var best = Lanes(repeating: -.infinity)
        var column = 0
        while column &+ 8 <= width {
            best = LaneMath.maximum(best, x.lanes(at: start &+ column))
            column &+= 8
        }
        var result = LaneMath.maximum(best)
        while column < width {
            if x[start &+ column] > result { result = x[start &+ column] }
            column &+= 1
        }
        return result
    }

    /// The first `part` lanes, zeros behind them.
    @inline(__always)
    private static func kept(_ x: Lanes, _ part: Int) -> Lanes {
        guard part < 8 else { return x }
        var result = x
        for lane in part..<8 { result[lane] = 0 }
        return result
    }
}
