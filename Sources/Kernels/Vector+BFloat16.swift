import Buffers

/// Conversions between f32 and bf16, the upper half of an f32: 8 bits of exponent, 7 of fraction.
extension Vector {
    /// y = y rounded to bf16, to nearest and ties to even.
    ///
    /// Beyond the largest bf16 comes infinity; a NaN stays a quiet NaN of its sign.
    @_lifetime(y: copy y)
    public static func roundToBFloat16(_ y: inout MutableSpan<Float>) {
        let upperHalf = SIMD8<Int32>(repeating: -0x1_0000)
        update(&y) { x in
            let bits = x.bitPattern
            let even = (bits &>> 16) & 1
            var rounded = bits &+ 0x7fff &+ even
            rounded.replace(with: bits | 0x0040_0000, where: (bits & 0x7fff_ffff) .> 0x7f80_0000)
            return Lanes(bitPattern: rounded & upperHalf)
        }
    }

    /// y = the upper halves of x, which are its values if those were rounded to bf16 before.
    @_lifetime(y: copy y)
    public static func packBFloat16(_ x: Span<Float>, into y: inout MutableSpan<UInt16>) {
        precondition(y.count == x.count, "vectors differ in count")
        for index in 0..<x.count {
            y[index] = UInt16(truncatingIfNeeded: x[index].bitPattern >> 16)
        }
    }

    /// y = the floats whose upper halves are x.
    @_lifetime(y: copy y)
    public static func unpackBFloat16(_ x: Span<UInt16>, into y: inout MutableSpan<Float>) {
        precondition(y.count == x.count, "vectors differ in count")
        for index in 0..<x.count {
            y[index] = Float(bitPattern: UInt32(x[index]) << 16)
        }
    }
}
