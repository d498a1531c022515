import Buffers

extension Vector {
    /// The sum of x y, products fused, over 32 lanes (see `Vector`).
    public static func dot(_ x: Span<Float>, _ y: Span<Float>) -> Float {
        precondition(x.count == y.count, "vectors differ in count")
        var (s0, s1) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var (s2, s3) = (s0, s1)
        let count = x.count
        var index = 0
        while index &+ 32 <= count {
            s0 = s0.addingProduct(x.lanes(at: index), y.lanes(at: index))
            s1 = s1.addingProduct(x.lanes(at: index &+ 8), y.lanes(at: index &+ 8))
            s2 = s2.addingProduct(x.lanes(at: index &+ 16), y.lanes(at: index &+ 16))
            s3 = s3.addingProduct(x.lanes(at: index &+ 24), y.lanes(at: index &+ 24))
            index &+= 32
        }
        for quarter in 0..<4 {
            let part = min(8, count &- index)
            guard part > 0 else { break }
            let (a, b) = (x.lanes(at: index, upTo: part), y.lanes(at: index, upTo: part))
            switch quarter {
            case 0: s0 = s0.addingProduct(a, b)
            case 1: s1 = s1.addingProduct(a, b)
            case 2: s2 = s2.addingProduct(a, b)
            default: s3 = s3.addingProduct(a, b)
            }
            index &+= 8
        }
        return LaneMath.sum((s0 + s1) + (s2 + s3))
    }

    /// The sum of x, over 32 lanes (see `Vector`).
    public static func sum(_ x: Span<Float>) -> Float {
        var (s0, s1) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var (s2, s3) = (s0, s1)
        let count = x.count
        var index = 0
        while index &+ 32 <= count {
            s0 += x.lanes(at: index)
            s1 += x.lanes(at: index &+ 8)
            s2 += x.lanes(at: index &+ 16)
            s3 += x.lanes(at: index &+ 24)
            index &+= 32
        }
        for quarter in 0..<4 {
            let part = min(8, count &- index)
            guard part > 0 else { break }
            let a = x.lanes(at: index, upTo: part)
            switch quarter {
            case 0: s0 += a
            case 1: s1 += a
            case 2: s2 += a
            default: s3 += a
            }
            index &+= 8
        }
        return LaneMath.sum((s0 + s1) + (s2 + s3))
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
}
