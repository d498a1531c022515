import Kernels

/// y = GELU(x W^T + b) V^T + c over the last axis: the two layers of a transformer's block.
///
/// The same bits as `linear`, `gelu`, `linear` and `+` behind each other. Here rows of the first
/// product go through the GELU while they are in a cache; on the way back, so do rows of the
/// gradient behind it.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - first: the weight W `[hidden, in]` and the bias b `[hidden]`, or `nil` for none.
///   - second: the weight V `[out, hidden]` and the bias c `[out]`, or `nil` for none.
///   - residual: `[..., out]`, to which y is added, row by row as it is done.
/// - Returns: `[..., out]`.
public func feedForward(
    _ x: Variable, first: (weight: Variable, bias: Variable?),
    second: (weight: Variable, bias: Variable?), addedTo residual: Variable? = nil
) -> Variable {
    let (w, v) = (first.weight.shape, second.weight.shape)
    precondition(
        w.rank == 2 && v.rank == 2 && x.shape.rank >= 1 && x.shape.last == w[1] && v[1] == w[0]
            && (first.bias.map { $0.shape == [w[0]] } ?? true)
            && (second.bias.map { $0.shape == [v[0]] } ?? true),
        "feedForward: x \(x.shape), weights \(w) and \(v), or biases of other sizes")
    let (rows, ins, width, outs) = (x.shape.rowCount, w[1], w[0], v[0])
    let shape = x.shape.replacing(axis: x.shape.rank - 1, with: outs)
    checkResidual(residual, shape, "feedForward")
    let tape = x.tape
    let (firstWeight, secondWeight) = (packed(first.weight), packed(second.weight))
    let (firstBias, secondBias) = (biasOrNone(first.bias), biasOrNone(second.bias))
    var hidden = tape.uninitialized([rows, width])
    var value = tape.uninitialized(shape)
    let inputs =
        [x, first.weight, second.weight]
        + [first.bias, second.bias, residual].compactMap(\.self)
    let needsGradient = inputs.contains { $0.needsGradient }
    var slopes = tape.uninitialized([needsGradient ? rows : 0, width])
    do {
        var h = hidden.mutableSpan
        var slope = slopes.mutableSpan
        PanelProduct.multiply(
            m: rows, n: width, k: ins, a: x.value.span, panels: firstWeight.transposed.span,
            bias: firstBias.span, c: &h
        ) { range, part in
            guard needsGradient else { return Vector.gelu(&part) }
            var slope = slope._mutatingExtracting(elements(of: range, width: width))
            Vector.gelu(&part, derivative: &slope)
        }
    }
    var y = value.mutableSpan
    PanelProduct.multiply(
        m: rows, n: outs, k: width, a: hidden.span, panels: secondWeight.transposed.span,
        bias: secondBias.span, c: &y, finish: adding(residual, width: outs))
    return tape.record(value, from: inputs) {
        [
            xPlace = x.place, xValue = x.value, w = first.weight.place, b = first.bias?.place,
            v = second.weight.place, c = second.bias?.place, residual = residual?.place,
            hidden, slopes
        ] dy, sums in
        if let residual { sums.add(dy, to: residual) }
        sums.addLayerGradient(dy, hidden, rows: rows, weight: v, bias: c)
        var gradient = sums.uninitialized([rows, width])
        var g = gradient.mutableSpan
        PanelProduct.multiply(
            m: rows, n: width, k: outs, a: dy.span, panels: secondWeight.plain.span, c: &g
        ) { range, part in
            Vector.multiply(
                slopes.span.extracting(elements(of: range, width: width)), into: &part)
        }
        sums.addLayerGradient(gradient, xValue, rows: rows, weight: w, bias: b)
        sums.add(to: xPlace) { dx in
            PanelProduct.multiply(
                m: rows, n: ins, k: width, a: gradient.span, panels: firstWeight.plain.span,
                c: &dx)
        }
    }
}
