import Kernels

/// max(x, 0); the gradient at 0 is 0.
public func relu(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.relu(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Vector.reluGradient(value.span, gradient.span, into: &span)
        sums.add(result, to: x)
    }
}

/// The exact GELU, x Phi(x) with the normal distribution Phi (Hendrycks and Gimpel 2016).
public func gelu(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    guard x.needsGradient else {
        Vector.gelu(x.value.span, into: &y)
        return x.tape.record(value, from: x) { _, _ in }
    }
    // The derivative shares an exponential with the value, so it is made now.
    var derivative = x.tape.uninitialized(x.shape)
    var d = derivative.mutableSpan
    Vector.gelu(x.value.span, into: &y, derivative: &d)
    return x.tape.record(value, from: x) { [x = x.place, derivative] gradient, sums in
        sums.add(multiplied(gradient, by: derivative), to: x)
    }
}

/// tanh x.
public func tanh(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.tanh(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var slope = sums.uninitialized(x.shape)  // 1 - y y
        var span = slope.mutableSpan
        Vector.oneMinusSquare(value.span, into: &span)
        sums.add(multiplied(gradient, by: slope), to: x)
    }
}

/// 1 / (1 + e^-x).
public func sigmoid(_ x: Variable) -> Variable {
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Vector.sigmoid(x.value.span, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var slope = sums.uninitialized(x.shape)  // y (1 - y)
        var span = slope.mutableSpan
        Vector.timesOneMinus(value.span, into: &span)
        sums.add(multiplied(gradient, by: slope), to: x)
    }
}

/// g f, written over the gradient g if nobody else looks at it.
func multiplied(_ gradient: consuming Tensor, by factor: Tensor) -> Tensor {
    var result = gradient
    var span = result.mutableSpan
    Vector.multiply(factor.span, into: &span)
    return result
}
