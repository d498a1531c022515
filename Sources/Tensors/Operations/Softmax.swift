import Kernels

/// The softmax over the last axis.
public func softmax(_ x: Variable) -> Variable {
    let width = x.shape.last
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    Rows.softmax(x.value.span, width: width, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Rows.softmaxGradient(value.span, gradient.span, width: width, into: &span)
        sums.add(result, to: x)
    }
}

/// ln(sum(e^x)) over the last axis: `[..., n]` to `[...]`.
public func logSumExp(_ x: Variable) -> Variable {
    precondition(x.shape.rank >= 1, "logSumExp of a scalar")
    let width = x.shape.last
    var value = x.tape.uninitialized(Shape(x.shape.dims.dropLast()))
    var y = value.mutableSpan
    Rows.logSumExp(x.value.span, width: width, into: &y)
    return x.tape.record(value, from: x) { [x = x.kept] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Rows.logSumExpGradient(x.value.span, value.span, gradient.span, width: width, into: &span)
        sums.add(result, to: x.place)
    }
}
