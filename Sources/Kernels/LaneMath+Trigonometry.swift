public import Buffers

extension LaneMath {
    /// The sine of each lane, in radians; NaN from 2^30 on, where floats are sparse.
    @inlinable @inline(__always)
    public static func sin(_ x: Lanes) -> Lanes { sinOfQuadrants(x, shift: 0) }

    /// The cosine of each lane, in radians; NaN from 2^30 on, where floats are sparse.
    @inlinable @inline(__always)
    public static func cos(_ x: Lanes) -> Lanes { sinOfQuadrants(x, shift: 1) }

    /// sin(x + `shift` pi / 2).
    @inlinable @inline(__always)
    static func sinOfQuadrants(_ x: Lanes, shift: Int32) -> Lanes {
        // x = n pi / 2 + r with |r| <= pi / 4; pi / 2 stands in three parts.
        let shifted = Lanes(repeating: roundingBits).addingProduct(x, 0x1.45f306p-1)
        let n = shifted - roundingBits
        var quadrant = shifted.bitPattern
        var r = x.addingProduct(n, -0x1.921fb0p0)
        r = r.addingProduct(n, -0x1.5110b4p-22)
        r = r.addingProduct(n, -0x1.846988p-48)
        let isFar = (x .> farFrom) .| (x .< -farFrom) .| (x .!= x)
        if any(isFar) {
            for lane in 0..<8 where isFar[lane] {
                (r[lane], quadrant[lane]) = reducedFar(x[lane])
            }
        }
        quadrant = quadrant &+ shift
        let s = r * r
        var c = Lanes(repeating: 0x1.9a8000p-16)
        c = Lanes(repeating: -0x1.6c0efap-10).addingProduct(c, s)
        c = Lanes(repeating: 0x1.555550p-5).addingProduct(c, s)
        c = Lanes(repeating: -0.5).addingProduct(c, s)
        c = Lanes(repeating: 1).addingProduct(c, s)
        var v = Lanes(repeating: 0x1.80a000p-19)
        v = Lanes(repeating: -0x1.a0690cp-13).addingProduct(v, s)
        v = Lanes(repeating: 0x1.111182p-7).addingProduct(v, s)
        v = Lanes(repeating: -0x1.555556p-3).addingProduct(v, s)
        v = r.addingProduct(v, r * s)
        v.replace(with: c, where: (quadrant & 1) .== 1)
        // Quadrants 2 and 3 change the sign.
        return Lanes(bitPattern: v.bitPattern ^ ((quadrant & 2) &<< 30))
    }

    /// Up to here the three parts of pi / 2 suffice for the sine and the cosine.
    @inlinable @inline(__always) static var farFrom: Float { 71_476 }

    /// The remainder and quadrant of a large number, in double precision.
    @usableFromInline
    static func reducedFar(_ x: Float) -> (Float, Int32) {
        guard x.magnitude < 0x1p30 else { return (.nan, 0) }
        let wide = Double(x)
        let n = (wide * 0x1.45f306dc9c883p-1 + 0x1.8p52) - 0x1.8p52
        var r = wide.addingProduct(n, -0x1.921fb54442d18p0)
        r = r.addingProduct(n, -0x1.1a62633145c07p-54)
        return (Float(r), Int32(truncatingIfNeeded: Int64(n)))
    }
}
