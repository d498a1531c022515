import Kernels
import Testing

@Suite struct BFloat16Tests {
    /// Bits by the definition: of the two neighbours the nearer one, in doubt the even one.
    private func expected(_ x: Float) -> UInt32 {
        let low = x.bitPattern & 0xffff_0000
        guard x.isFinite else { return x.isNaN ? low | 0x0040_0000 : low }
        let rest = x.bitPattern & 0xffff
        let isUp = rest > 0x8000 || (rest == 0x8000 && low & 0x1_0000 != 0)
        return isUp ? low + 0x1_0000 : low
    }

    private func rounded(_ x: [Float]) -> [UInt32] {
        var y = x
        var span = y.mutableSpan
        Vector.roundToBFloat16(&span)
        return y.map(\.bitPattern)
    }

    @Test func `every upper half with telling lower halves rounds to nearest, ties to even`() {
        let lowers: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]
        for upper in UInt32(0)...0xffff {
            let x = lowers.map { Float(bitPattern: upper << 16 | $0) }
            #expect(rounded(x) == x.map(expected), "upper half \(upper)")
        }
    }

    @Test func `known values`() {
        // The last two: beyond the largest bf16, halfway to what would follow it, comes infinity.
        let x: [Float] = [1, 1.00390625, 1.01171875, -0.0, 3.3895314e38, 3.4e38]
        let bits: [UInt32] = [
            0x3f80_0000, 0x3f80_0000, 0x3f82_0000, 0x8000_0000, 0x7f7f_0000, 0x7f80_0000,
        ]
        #expect(rounded(x) == bits)
    }

    @Test func `a NaN stays a NaN of its sign, and is quiet`() {
        let x: [UInt32] = [0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7fc0_0000]
        let y = rounded(x.map(Float.init(bitPattern:)))
        #expect(y == [0x7fc0_0000, 0xffc0_0000, 0x7fff_0000, 0xffff_0000, 0x7fc0_0000])
    }

    @Test func `rounded values pack into two bytes and come back`() {
        let x = rounded((0..<1001).map { Float($0 - 500) * 0.37 }).map(Float.init(bitPattern:))
        var halves = [UInt16](repeating: 0, count: x.count)
        var packed = halves.mutableSpan
        Vector.packBFloat16(x.span, into: &packed)
        var back = [Float](repeating: 0, count: x.count)
        var span = back.mutableSpan
        Vector.unpackBFloat16(halves.span, into: &span)
        #expect(back == x)
    }
}
