import Buffers

extension Vector {
    /// z = x + y.
    @_lifetime(z: copy z)
    public static func add(_ x: Span<Float>, _ y: Span<Float>, into z: inout MutableSpan<Float>) {
        map(x, y, into: &z) { $0 + $1 }
    }

    /// y = y + x.
    @_lifetime(y: copy y)
    public static func add(_ x: Span<Float>, to y: inout MutableSpan<Float>) {
        update(&y, with: x) { $0 + $1 }
    }

    /// z = x - y.
    @_lifetime(z: copy z)
    public static func subtract(
        _ x: Span<Float>, _ y: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        map(x, y, into: &z) { $0 - $1 }
    }

    /// z = x y.
    @_lifetime(z: copy z)
    public static func multiply(
        _ x: Span<Float>, _ y: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        map(x, y, into: &z) { $0 * $1 }
    }

    /// y = y x.
    @_lifetime(y: copy y)
    public static func multiply(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        update(&y, with: x) { $0 * $1 }
    }

    /// z = x / y.
    @_lifetime(z: copy z)
    public static func divide(
        _ x: Span<Float>, _ y: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        map(x, y, into: &z) { $0 / $1 }
    }

    /// y = a x.
    @_lifetime(y: copy y)
    public static func scale(_ x: Span<Float>, by a: Float, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { $0 * a }
    }

    /// y = a y.
    @_lifetime(y: copy y)
    public static func scale(_ y: inout MutableSpan<Float>, by a: Float) {
        update(&y) { $0 * a }
    }

    /// y = y + a x, fused.
    @_lifetime(y: copy y)
    public static func axpy(_ a: Float, _ x: Span<Float>, into y: inout MutableSpan<Float>) {
        let factor = Lanes(repeating: a)
        update(&y, with: x) { x, y in y.addingProduct(x, factor) }
    }

    /// y = a y + b x, the second product fused: an exponential moving average.
    @_lifetime(y: copy y)
    public static func blend(
        _ y: inout MutableSpan<Float>, by a: Float, with x: Span<Float>, by b: Float
    ) {
        let (keep, take) = (Lanes(repeating: a), Lanes(repeating: b))
        update(&y, with: x) { x, y in (y * keep).addingProduct(x, take) }
    }

    /// y = a everywhere.
    @_lifetime(y: copy y)
    public static func fill(_ y: inout MutableSpan<Float>, with a: Float) {
        let value = Lanes(repeating: a)
        update(&y) { _ in value }
    }

    /// y = x.
    @_lifetime(y: copy y)
    public static func copy(_ x: Span<Float>, into y: inout MutableSpan<Float>) {
        map(x, into: &y) { $0 }
    }
}
