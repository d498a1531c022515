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
    @inlinable @inline(__always)
    public static func geluAndDerivative(_ x: Lanes) -> (value: Lanes, derivative: Lanes) {
        let phi = 0.398942280 * exp(x * x * -0.5)
        let distribution = (erf(x * 0.707106781) + 1) * 0.5
        return (x * distribution, distribution.addingProduct(x, phi))
    }

    /// The exact GELU of each lane, x Phi(x), with the bits of `geluAndDerivative`.
    @inlinable @inline(__always)
    public static func gelu(_ x: Lanes) -> Lanes { x * ((erf(x * 0.707106781) + 1) * 0.5) }

    @inlinable @inline(__always)
    static func magnitude(_ x: Lanes) -> Lanes { Lanes(bitPattern: x.bitPattern & Int32.max) }

    /// `magnitude`, which is not negative, with the sign of `x`.
    @inlinable @inline(__always)
    static func withSign(of x: Lanes, _ magnitude: Lanes) -> Lanes {
        Lanes(bitPattern: magnitude.bitPattern | (x.bitPattern & Int32.min))
    }
}
