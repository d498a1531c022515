import Buffers
import CWideKernels

/// The exact GELU in registers of sixteen floats where there are some, the same bits in others.
extension Vector {
    /// y = the exact GELU of x.
    @_lifetime(y: copy y)
    public static func gelu(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        guard !WideRegisters.areThere else {
            precondition(y.count == x.count, "vectors differ in count")
            unsafe x.withUnsafeBufferPointer { x in
                unsafe y.withUnsafeMutableBufferPointer { y in
                    unsafe wide_gelu(x.baseAddress, y.baseAddress, nil, x.count)
                }
            }
            return
        }
        map(x, into: &y) { LaneMath.gelu($0) }
    }

    /// y = the exact GELU of x, d = its derivative there.
    @_lifetime(y: copy y) @_lifetime(d: copy d)
    public static func gelu(
        _ x: Span<Float>, into y: inout MutableSpan<Float>, derivative d: inout MutableSpan<Float>
    ) {
        precondition(y.count == x.count, "vectors differ in count")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe y.withUnsafeMutableBufferPointer { y in
                guard let x = x.baseAddress, let y = y.baseAddress else { return }
                unsafe gelu(x, into: y, derivative: &d)
            }
        }
    }

    /// y = the exact GELU of y.
    @_lifetime(y: copy y)
    public static func gelu(_ y: inout MutableSpan<Float>) {
        guard !WideRegisters.areThere else {
            unsafe y.withUnsafeMutableBufferPointer { y in
                unsafe wide_gelu(y.baseAddress, y.baseAddress, nil, y.count)
            }
            return
        }
        update(&y) { LaneMath.gelu($0) }
    }

    /// y = the exact GELU of y, d = its derivative where y was.
    @_lifetime(y: copy y) @_lifetime(d: copy d)
    public static func gelu(
        _ y: inout MutableSpan<Float>, derivative d: inout MutableSpan<Float>
    ) {
        precondition(y.count == d.count, "vectors differ in count")
        unsafe y.withUnsafeMutableBufferPointer { y in
            guard let y = y.baseAddress else { return }
            unsafe gelu(UnsafePointer(y), into: y, derivative: &d)
        }
    }

    /// As many as d has; x may be y.
    @_lifetime(d: copy d)
    private static func gelu(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
        derivative d: inout MutableSpan<Float>
    ) {
        let count = d.count
        unsafe d.withUnsafeMutableBufferPointer { d in
            guard let d = d.baseAddress else { return }
            guard !WideRegisters.areThere else { return unsafe wide_gelu(x, y, d, count) }
            var index = 0
            while index &+ 16 <= count {
                // Two at a time, so that the operations of one fill the waits of the other.
                let one = unsafe LaneMath.geluAndDerivative((x + index).eight)
                let two = unsafe LaneMath.geluAndDerivative((x + (index &+ 8)).eight)
                unsafe (y + index).setEight(one.value)
                unsafe (y + (index &+ 8)).setEight(two.value)
                unsafe (d + index).setEight(one.derivative)
                unsafe (d + (index &+ 8)).setEight(two.derivative)
                index &+= 16
            }
            while index < count {
                let part = min(8, count &- index)
                var value = Lanes(repeating: 0)
                for lane in 0..<part { unsafe value[lane] = x[index &+ lane] }
                let both = LaneMath.geluAndDerivative(value)
                for lane in 0..<part {
                    unsafe y[index &+ lane] = both.value[lane]
                    unsafe d[index &+ lane] = both.derivative[lane]
                }
                index &+= 8
            }
        }
    }
}
