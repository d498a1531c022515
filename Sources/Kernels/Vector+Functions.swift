import Buffers

extension Vector {
    /// y = e^x.
    @_lifetime(y: copy y)
    public static func exp(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.exp($0) }
    }

    /// y = ln x.
    @_lifetime(y: copy y)
    public static func log(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.log($0) }
    }

    /// y = sin x.
    @_lifetime(y: copy y)
    public static func sin(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.sin($0) }
    }

    /// y = cos x.
    @_lifetime(y: copy y)
    public static func cos(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.cos($0) }
    }

    /// y = tanh x.
    @_lifetime(y: copy y)
    public static func tanh(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.tanh($0) }
    }

    /// y = erf x.
    @_lifetime(y: copy y)
    public static func erf(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.erf($0) }
    }

    /// y = 1 / (1 + e^-x).
    @_lifetime(y: copy y)
    public static func sigmoid(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.sigmoid($0) }
    }

    /// y = the square root of x.
    @_lifetime(y: copy y)
    public static func squareRoot(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { LaneMath.squareRoot($0) }
    }

    /// y = max(x, 0); a NaN stays NaN.
    @_lifetime(y: copy y)
    public static func relu(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { x in
            var result = x
            result.replace(with: Lanes(repeating: 0), where: x .< 0)
            return result
        }
    }

    /// z = g where y is above 0, else 0: the gradient of `relu` from its result y.
    @_lifetime(z: copy z)
    public static func reluGradient(
        _ y: Span<Float>, _ g: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        map(y, g, into: &z) { y, g in
            var result = Lanes(repeating: 0)
            result.replace(with: g, where: y .> 0)
            return result
        }
    }

    /// z = 1 - y y: the slope of tanh from its result.
    @_lifetime(z: copy z)
    public static func oneMinusSquare(_ y: Span<Float>, into z: inout MutableSpan<Float>) {
        map(y, into: &z) { 1 - $0 * $0 }
    }

    /// z = y (1 - y): the slope of the sigmoid from its result.
    @_lifetime(z: copy z)
    public static func timesOneMinus(_ y: Span<Float>, into z: inout MutableSpan<Float>) {
        map(y, into: &z) { $0 * (1 - $0) }
    }
}
