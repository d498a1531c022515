import Buffers

extension Vector {
    /// The sum of x y, products fused, over 32 lanes (see `Vector`).
    public static func dot(_ x: Span<Float>, _ y: Span<Float>) -> Float {
        precondition(x.count == y.count, "vectors differ in count")
        return reduce(x.count) { sum, index, part in
            sum.addingProduct(x.lanes(at: index, upTo: part), y.lanes(at: index, upTo: part))
        }
    }

    /// The sum of x, over 32 lanes (see `Vector`).
    public static func sum(_ x: Span<Float>) -> Float {
        reduce(x.count) { sum, index, part in sum + x.lanes(at: index, upTo: part) }
    }

    /// The sum of squares of x: `dot` of x with itself.
    public static func sumOfSquares(_ x: Span<Float>) -> Float { dot(x, x) }

    /// The largest element of x; -infinity if there is none, NaN elements never win.
    public static func maximum(_ x: Span<Float>) -> Float {
        var best = Lanes(repeating: -.infinity)
        let count = x.count
        var index = 0
        while index &+ 8 <= count {
            best = LaneMath.maximum(best, x.lanes(at: index))
            index &+= 8
        }
        var result = LaneMath.maximum(best)
        while index < count {
            if x[index] > result { result = x[index] }
            index &+= 1
        }
        return result
    }

    /// Whether no element of x is infinite or NaN: no exponent has all its bits set.
    public static func isFinite(_ x: Span<Float>) -> Bool {
        let exponent = SIMD8<Int32>(repeating: 0x7f80_0000)
        var (top0, top1) = (SIMD8<Int32>(repeating: 0), SIMD8<Int32>(repeating: 0))
        let count = x.count
        var index = 0
        while index &+ 16 <= count {
            top0 = pointwiseMax(top0, x.lanes(at: index).bitPattern & exponent)
            top1 = pointwiseMax(top1, x.lanes(at: index &+ 8).bitPattern & exponent)
            index &+= 16
        }
        while index < count {
            let part = min(8, count &- index)
            top0 = pointwiseMax(top0, x.lanes(at: index, upTo: part).bitPattern & exponent)
            index &+= part
        }
        return pointwiseMax(top0, top1).max() < 0x7f80_0000
    }
}
