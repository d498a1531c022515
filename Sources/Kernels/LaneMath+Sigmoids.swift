public import Buffers

extension LaneMath {
    /// The hyperbolic tangent of each lane.
    @inlinable @inline(__always)
    public static func tanh(_ x: Lanes) -> Lanes {
        let t = magnitude(x)
        let s = x * x
        var near = Lanes(repeating: 0x1.01e000p-6)
        near = Lanes(repeating: -0x1.ac766ap-5).addingProduct(near, s)
        near = Lanes(repeating: 0x1.10b23ep-3).addingProduct(near, s)
        near = Lanes(repeating: -0x1.5553dap-2).addingProduct(near, s)
        near = x.addingProduct(near * s, x)
        let far = 1 - 2 / (exp(t + t) + 1)
        near.replace(with: withSign(of: x, far), where: t .>= 0.55)
        return near
    }

    /// The error function of each lane.
    @inlinable @inline(__always)
    public static func erf(_ x: Lanes) -> Lanes {
        let t = magnitude(x)
        let s = x * x
        var near = Lanes(repeating: -0x1.38e000p-11)
        near = Lanes(repeating: 0x1.471a58p-8).addingProduct(near, s)
        near = Lanes(repeating: -0x1.b691b2p-6).addingProduct(near, s)
        near = Lanes(repeating: 0x1.ce1c44p-4).addingProduct(near, s)
        near = Lanes(repeating: -0x1.812700p-2).addingProduct(near, s)
        near = Lanes(repeating: 0x1.06eba8p-3).addingProduct(near, s)
        near = x.addingProduct(near, x)
        // 1 - exp(-t - t q(t)) beyond; past 4 the result is 1.
        var u = t
        u.replace(with: Lanes(repeating: 4), where: t .> 4)
        let square = u * u
        let upper = Lanes(repeating: 0x1.91cfb2p-12).addingProduct(u, -0x1.220000p-16)
        let lower = Lanes(repeating: 0x1.8d6342p-6).addingProduct(u, -0x1.fd1438p-9)
        var q = lower.addingProduct(upper, square)
        q = Lanes(repeating: -0x1.b55cb8p-4).addingProduct(q, u)
        q = Lanes(repeating: -0x1.450aa0p-1).addingProduct(q, u)
        q = Lanes(repeating: -0x1.079d0cp-3).addingProduct(q, u)
        q = (-u).addingProduct(q, u)
        let far = 1 - exp(q)
        near.replace(with: withSign(of: x, far), where: t .> 0.927734375)
        return near
    }

    /// 1 / (1 + e^-x) of each lane.
    @inlinable @inline(__always)
    public static func sigmoid(_ x: Lanes) -> Lanes { 1 / (exp(-x) + 1) }

    /// The exact GELU of each lane and its derivative: x Phi(x) and Phi(x) + x phi(x).
    ///
    /// Phi and phi share the exponential E = exp(-x x / 2): Phi(-|x|) = E P(u) with u =
    /// (|x| - 2.5) / (|x| + 2.5) and a polynomial P, fitted for this file with a relative error
    /// of 7e-8 up to |x| = 13.5, where E falls below the normal numbers.
    @inlinable @inline(__always)
    public static func geluAndDerivative(_ x: Lanes) -> (value: Lanes, derivative: Lanes) {
        var t = magnitude(x)
        t.replace(with: Lanes(repeating: 13.15), where: t .> 13.15)
        let e = expOfNormal(t * t * -0.5)
        let u = (t - 2.5) / (t + 2.5)
        var p = Lanes(repeating: -0x1.47dcb2p-13)
        p = Lanes(repeating: -0x1.5ab7d6p-12).addingProduct(p, u)
        p = Lanes(repeating: 0x1.a48132p-11).addingProduct(p, u)
        p = Lanes(repeating: 0x1.81a46ep-9).addingProduct(p, u)
        p = Lanes(repeating: -0x1.4f759ep-8).addingProduct(p, u)
        p = Lanes(repeating: -0x1.923252p-6).addingProduct(p, u)
        p = Lanes(repeating: 0x1.cf66e8p-4).addingProduct(p, u)
        p = Lanes(repeating: -0x1.d31642p-3).addingProduct(p, u)
        p = Lanes(repeating: 0x1.217254p-3).addingProduct(p, u)
        let tail = e * p
        var distribution = 1 - tail
        distribution.replace(with: tail, where: x .< 0)
        let density = e * 0x1.988454p-2  // 1 / sqrt(2 pi)
        return (x * distribution, distribution.addingProduct(withSign(of: x, t), density))
    }

    /// e to the power of numbers from -87 to 88, where the result is normal.
    @inlinable @inline(__always)
    static func expOfNormal(_ x: Lanes) -> Lanes {
        let shifted = Lanes(repeating: roundingBits).addingProduct(x, 0x1.715476p0)
        return expOfRemainder(x, shifted - roundingBits)
            * powerOfTwo(shifted.bitPattern &- roundingPattern)
    }

    @inlinable @inline(__always)
    static func magnitude(_ x: Lanes) -> Lanes { Lanes(bitPattern: x.bitPattern & Int32.max) }

    /// `magnitude`, which is not negative, with the sign of `x`.
    @inlinable @inline(__always)
    static func withSign(of x: Lanes, _ magnitude: Lanes) -> Lanes {
        Lanes(bitPattern: magnitude.bitPattern | (x.bitPattern & Int32.min))
    }
}
