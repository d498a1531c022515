import Kernels

/// y = x W^T + b over the last axis, as one matrix product that starts from the bias.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`.
///   - bias: `[out]`, or `nil` for none.
/// - Returns: `[..., out]`.
public func linear(_ x: Variable, weight: Variable, bias: Variable? = nil) -> Variable {
    precondition(
        weight.shape.rank == 2 && x.shape.rank >= 1 && x.shape.last == weight.shape[1]
            && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
        "linear: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "-")")
    let (rows, outs, ins) = (x.shape.rowCount, weight.shape[0], weight.shape[1])
    var value = x.tape.uninitialized(x.shape.replacing(axis: x.shape.rank - 1, with: outs))
    var y = value.mutableSpan
    if let bias { Rows.fill(&y, with: bias.value.span) }
    sgemm(
        transB: .transposed, m: rows, n: outs, k: ins, a: x.value.span, b: weight.value.span,
        beta: bias == nil ? 0 : 1, c: &y)
    let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
    return x.tape.record(value, from: inputs) { [bias = bias?.place] gradient, sums in
        if let bias, bias.needsGradient {
            var sum = sums.uninitialized([outs])
            var span = sum.mutableSpan
            Rows.columnSums(gradient.span, into: &span)
            sums.add(sum, to: bias)
        }
        if weight.needsGradient {
            var product = sums.uninitialized(weight.shape)
            var span = product.mutableSpan
            sgemm(
                transA: .transposed, m: outs, n: ins, k: rows, a: gradient.span,
                b: x.value.span, c: &span)
            sums.add(product, to: weight.place)
        }
        if x.needsGradient {
            var product = sums.uninitialized(x.shape)
            var span = product.mutableSpan
            sgemm(m: rows, n: ins, k: outs, a: gradient.span, b: weight.value.span, c: &span)
            sums.add(product, to: x.place)
        }
    }
}
