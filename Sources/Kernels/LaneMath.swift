public import Buffers
import CInstructions

/// Elementary functions of eight floats at once, with the same bits on every processor.
///
/// No library function takes part: results are sums, products, fused multiply-adds, divisions,
/// square roots and bit operations of IEEE 754 alone. The largest errors are measured by
/// `LaneMathTests`. The polynomials have the form that N. Juffa published for single precision.
/// A NaN lane stays NaN.
public enum LaneMath {
    /// e to the power of each lane; 0 below -104, infinity above 88.72, denormals between.
    ///
    /// Transparent, since the optimizer leaves it a call otherwise, always inlined or not, whose
    /// argument and result travel in halves.
    @_transparent
    public static func exp(_ x: Lanes) -> Lanes {
        // Zero is put in: a product that falls below the normal numbers costs a hundred others.
        let isZero = x .< -105
        var t = x
        t.replace(with: Lanes(repeating: 0), where: isZero)
        t.replace(with: Lanes(repeating: 90), where: x .> 90)
        // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 stands in two parts.
        let shifted = Lanes(repeating: roundingBits).addingProduct(t, 0x1.715476p0)
        let p = expOfRemainder(t, shifted - roundingBits)
        // 2^n as two factors, each of them a normal number.
        let exponent = shifted.bitPattern &- roundingPattern
        let half = exponent &>> 1
        var result = p * powerOfTwo(half) * powerOfTwo(exponent &- half)
        result.replace(with: Lanes(repeating: 0), where: isZero)
        return result
    }

    /// e to the power of x - n ln 2, where that is at most ln 2 / 2 in magnitude.
    @inlinable @inline(__always)
    static func expOfRemainder(_ x: Lanes, _ n: Lanes) -> Lanes {
        var r = x.addingProduct(n, -0x1.62e400p-1)
        r = r.addingProduct(n, -0x1.7f7d1cp-20)
        var p = Lanes(repeating: 0x1.694000p-10)
        p = Lanes(repeating: 0x1.125edcp-7).addingProduct(p, r)
        p = Lanes(repeating: 0x1.555b5ap-5).addingProduct(p, r)
        p = Lanes(repeating: 0x1.555450p-3).addingProduct(p, r)
        p = Lanes(repeating: 0x1.fffff6p-2).addingProduct(p, r)
        p = Lanes(repeating: 1).addingProduct(p, r)
        return Lanes(repeating: 1).addingProduct(p, r)
    }

    /// The natural logarithm of each lane; -infinity at 0, NaN below.
    @inlinable @inline(__always)
    public static func log(_ x: Lanes) -> Lanes {
        let isDenormal = x .< 0x1p-126
        var t = x
        t.replace(with: x * 0x1p23, where: isDenormal)
        var shift = Lanes(repeating: 0)
        shift.replace(with: Lanes(repeating: -23), where: isDenormal)
        // t = 2^e m with m in [2/3, 4/3).
        let e = (t.bitPattern &- 0x3f2a_aaab) & Int32(bitPattern: 0xff80_0000)
        let m = Lanes(bitPattern: t.bitPattern &- e)
        let exponent = smallIntegers(e &>> 23) + shift
        let f = m - 1
        let s = f * f
        var r = Lanes(repeating: -0x1.0ae000p-3)
        var u = Lanes(repeating: 0x1.208000p-3)
        r = Lanes(repeating: -0x1.f198b2p-4).addingProduct(r, s)
        u = Lanes(repeating: 0x1.1e5740p-3).addingProduct(u, s)
        r = Lanes(repeating: -0x1.55b36cp-3).addingProduct(r, s)
        u = Lanes(repeating: 0x1.99d8b2p-3).addingProduct(u, s)
        r = Lanes(repeating: -0x1.fffe02p-3).addingProduct(r, s)
        r = r.addingProduct(u, f)
        r = Lanes(repeating: 0x1.5554fap-2).addingProduct(r, f)
        r = Lanes(repeating: -0.5).addingProduct(r, f)
        r = f.addingProduct(r, s)
        r = r.addingProduct(exponent, 0x1.62e430p-1)
        r.replace(with: x, where: x .== .infinity)
        r.replace(with: Lanes(repeating: -.infinity), where: x .== 0)
        r.replace(with: Lanes(repeating: .nan), where: x .< 0)
        r.replace(with: x, where: x .!= x)
        return r
    }

    /// The square root of each lane.
    @inline(__always)
    static func squareRoot(_ x: Lanes) -> Lanes { eight_square_roots(x) }

    /// Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, which then stands in the
    /// low bits of the sum.
    @inlinable @inline(__always) static var roundingBits: Float { 0x1.8p23 }
    /// The bits of `roundingBits`.
    @inlinable @inline(__always) static var roundingPattern: Int32 { 0x4b40_0000 }

    /// Integers of magnitude below 2^22 as floats.
    @inlinable @inline(__always)
    static func smallIntegers(_ n: SIMD8<Int32>) -> Lanes {
        Lanes(bitPattern: n &+ roundingPattern) - roundingBits
    }

    /// 2 to the power of integers from -126 to 127.
    @inlinable @inline(__always)
    static func powerOfTwo(_ n: SIMD8<Int32>) -> Lanes {
        Lanes(bitPattern: (n &+ 127) &<< 23)
    }
}
