import Buffers
import Kernels

extension Variable {
    /// x + y of equal shapes.
    public static func + (x: Variable, y: Variable) -> Variable {
        checkSameShape(x, y, "+")
        var value = x.tape.uninitialized(x.shape)
        var span = value.mutableSpan
        Vector.add(x.value.span, y.value.span, into: &span)
        return x.tape.record(value, from: x, y) { [x = x.place, y = y.place] gradient, sums in
            sums.add(gradient, to: y)
            sums.add(gradient, to: x)
        }
    }

    /// x - y of equal shapes.
    public static func - (x: Variable, y: Variable) -> Variable {
        checkSameShape(x, y, "-")
        var value = x.tape.uninitialized(x.shape)
        var span = value.mutableSpan
        Vector.subtract(x.value.span, y.value.span, into: &span)
        return x.tape.record(value, from: x, y) { [x = x.place, y = y.place] gradient, sums in
            if y.needsGradient { sums.add(scaled(gradient, by: -1, sums), to: y) }
            sums.add(gradient, to: x)
        }
    }

    /// x y, element by element, of equal shapes.
    public static func * (x: Variable, y: Variable) -> Variable {
        checkSameShape(x, y, "*")
        let value = product(x.value, y.value, pool: x.tape.pool)
        return x.tape.record(value, from: x, y) { [x = x.kept, y = y.kept] gradient, sums in
            if y.needsGradient {
                sums.add(product(gradient, x.value, pool: sums.pool), to: y.place)
            }
            if x.needsGradient {
                sums.add(product(gradient, y.value, pool: sums.pool), to: x.place)
            }
        }
    }

    /// a x.
    public static func * (x: Variable, a: Float) -> Variable {
        var value = x.tape.uninitialized(x.shape)
        var span = value.mutableSpan
        Vector.scale(x.value.span, by: a, into: &span)
        return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
            sums.add(scaled(gradient, by: a, sums), to: x)
        }
    }

    /// a x.
    public static func * (a: Float, x: Variable) -> Variable { x * a }
}

private func checkSameShape(_ x: Variable, _ y: Variable, _ operation: StaticString) {
    precondition(x.shape == y.shape, "\(operation): shapes \(x.shape) and \(y.shape) differ")
}

private func scaled(_ x: borrowing Tensor, by a: Float, _ sums: borrowing Cotangents) -> Tensor {
    var result = sums.uninitialized(x.shape)
    var span = result.mutableSpan
    Vector.scale(x.span, by: a, into: &span)
    return result
}

private func product(_ x: borrowing Tensor, _ y: borrowing Tensor, pool: BufferPool) -> Tensor {
    var result = Tensor(uninitialized: x.shape, pool: pool)
    var span = result.mutableSpan
    Vector.multiply(x.span, y.span, into: &span)
    return result
}
