import Buffers
import CWideKernels

/// The exact GELU in registers of sixteen floats where there are some, the same bits in others.
extension Vector {
    /// y = the exact GELU of x.
    @_lifetime(y: copy y)
    public static func gelu(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        precondition(y.count == x.count, "vectors differ in count")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe y.withUnsafeMutableBufferPointer { y in
                unsafe gelu(x.baseAddress, into: y, derivative: nil)
            }
        }
    }

    /// y = the exact GELU of x, d = its derivative there.
    @_lifetime(y: copy y) @_lifetime(d: copy d)
    public static func gelu(
        _ x: Span<Float>, into y: inout MutableSpan<Float>, derivative d: inout MutableSpan<Float>
    ) {
        precondition(y.count == x.count && d.count == x.count, "vectors differ in count")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe y.withUnsafeMutableBufferPointer { y in
                unsafe d.withUnsafeMutableBufferPointer { d in
                    unsafe gelu(x.baseAddress, into: y, derivative: d.baseAddress)
                }
            }
        }
    }

    /// y = the exact GELU of y.
    @_lifetime(y: copy y)
    public static func gelu(_ y: inout MutableSpan<Float>) {
        unsafe y.withUnsafeMutableBufferPointer { y in
            unsafe gelu(UnsafePointer(y.baseAddress), into: y, derivative: nil)
        }
    }

    /// y = the exact GELU of y, d = its derivative where y was.
    @_lifetime(y: copy y) @_lifetime(d: copy d)
    public static func gelu(
        _ y: inout MutableSpan<Float>, derivative d: inout MutableSpan<Float>
    ) {
        precondition(y.count == d.count, "vectors differ in count")
        unsafe y.withUnsafeMutableBufferPointer { y in
            unsafe d.withUnsafeMutableBufferPointer { d in
                unsafe gelu(UnsafePointer(y.baseAddress), into: y, derivative: d.baseAddress)
            }
        }
    }

    /// As many as y has; x may be y, and the derivative be left out.
    private static func gelu(
        _ x: UnsafePointer<Float>?, into y: UnsafeMutableBufferPointer<Float>,
        derivative d: UnsafeMutablePointer<Float>?
    ) {
        let count = y.count
        guard let x = unsafe x, let y = y.baseAddress else { return }
        guard !WideRegisters.areThere else { return unsafe wide_gelu(x, y, d, count) }
        var index = 0
        while index &+ 16 <= count {
            // Two at a time, so that the operations of one fill the waits of the other.
            let one = unsafe LaneMath.geluAndDerivative((x + index).eight)
            let two = unsafe LaneMath.geluAndDerivative((x + (index &+ 8)).eight)
            unsafe (y + index).setEight(one.value)
            unsafe (y + (index &+ 8)).setEight(two.value)
            if let d = unsafe d {
                unsafe (d + index).setEight(one.derivative)
                unsafe (d + (index &+ 8)).setEight(two.derivative)
            }
            index &+= 16
        }
        while index < count {
            let part = min(8, count &- index)
            var value = Lanes(repeating: 0)
            for lane in 0..<part { unsafe value[lane] = x[index &+ lane] }
            let both = LaneMath.geluAndDerivative(value)
            for lane in 0..<part {
                unsafe y[index &+ lane] = both.value[lane]
                if let d = unsafe d { unsafe d[index &+ lane] = both.derivative[lane] }
            }
            index &+= 8
        }
    }
}
