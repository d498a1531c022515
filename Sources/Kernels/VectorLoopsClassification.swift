import Buffers

// The loops of a classification over drawn classes, one sample's row of cosines at a time.

/// What a row of cosines held before it became logits.
public struct CosineSummary: Sendable {
    /// The sum of the cosines, each clamped to between -1 and 1.
    public var sum: Float
    /// The smallest cosine, not clamped.
    public var lowest: Float
    /// The largest cosine, not clamped.
    public var highest: Float
}

extension Vector {
    /// c = a clamp(c, -1, 1), and what the cosines were; the sum runs over 8 lanes, which are
    /// folded as `LaneMath.sum` does.
    @_lifetime(c: copy c)
    public static func scaleCosines(_ c: inout MutableSpan<Float>, by a: Float) -> CosineSummary {
        var sums = Lanes(repeating: 0)
        var lowest = Lanes(repeating: .infinity)
        var highest = Lanes(repeating: -.infinity)
        let count = c.count
        var index = 0
        while index < count {
            let part = min(8, count &- index)
            var x = part == 8 ? c.lanes(at: index) : c.lanes(at: index, count: part)
            let clamped = clampedCosines(x)
            sums += clamped
            if part == 8 {
                c.setLanes(clamped * a, at: index)
            } else {
                c.setLanes(clamped * a, at: index, count: part)
                for lane in part..<8 { x[lane] = x[0] }
            }
            lowest.replace(with: x, where: x .< lowest)
            highest.replace(with: x, where: x .> highest)
            index &+= part
        }
        return CosineSummary(
            sum: LaneMath.sum(sums), lowest: -LaneMath.maximum(-lowest),
            highest: LaneMath.maximum(highest))
    }

    /// x = exp(x - top), and the sum of that over 16 lanes: lanes l and l + 8 are added, then
    /// the eight that remain as `LaneMath.sum` does.
    @_lifetime(x: copy x)
    public static func exponentiate(_ x: inout MutableSpan<Float>, minus top: Float) -> Float {
        var (s0, s1) = (Lanes(repeating: 0), Lanes(repeating: 0))
        let count = x.count
        var index = 0
        while index &+ 16 <= count {
            let e0 = LaneMath.exp(x.lanes(at: index) - top)
            let e1 = LaneMath.exp(x.lanes(at: index &+ 8) - top)
            s0 += e0
            s1 += e1
            x.setLanes(e0, at: index)
            x.setLanes(e1, at: index &+ 8)
            index &+= 16
        }
        while index < count {
            let part = min(8, count &- index)
            var t = x.lanes(at: index, count: part)
            for lane in part..<8 { t[lane] = -.infinity }
            let e = LaneMath.exp(t - top)
            s0 += e
            x.setLanes(e, at: index, count: part)
            index &+= part
        }
        return LaneMath.sum(s0 + s1)
    }
}

@inline(__always)
private func clampedCosines(_ c: Lanes) -> Lanes {
    var clamped = c
    clamped.replace(with: Lanes(repeating: 1), where: c .> 1)
    clamped.replace(with: Lanes(repeating: -1), where: c .< -1)
    return clamped
}
