import Kernels

/// e^x.
public func exp(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.exp(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        sums.add(multiplied(gradient, by: value), to: x)
    }
}

/// The natural logarithm of x.
public func log(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.log(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.kept] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Vector.divide(gradient.span, x.value.span, into: &span)
        sums.add(result, to: x.place)
    }
}

/// The square root of x; the gradient at 0 is infinite.
public func squareRoot(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.squareRoot(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Vector.divide(gradient.span, value.span, into: &span)
        Vector.scale(&span, by: 0.5)
        sums.add(result, to: x)
    }
}
