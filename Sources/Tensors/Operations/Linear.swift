import Kernels

/// y = x W^T + b over the last axis, as one matrix product that starts from the bias.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`; packed on the way unless it is packed already.
///   - bias: `[out]`, or `nil` for none.
///   - residual: `[..., out]`, to which the product is added, row by row as it is done.
/// - Returns: `[..., out]`.
public func linear(
    _ x: Variable, weight: Variable, bias: Variable? = nil, addedTo residual: Variable? = nil
) -> Variable {
    precondition(
        weight.shape.rank == 2 && x.shape.rank >= 1 && x.shape.last == weight.shape[1]
            && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
        "linear: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "-")")
    let (rows, outs, ins) = (x.shape.rowCount, weight.shape[0], weight.shape[1])
    let shape = x.shape.replacing(axis: x.shape.rank - 1, with: outs)
    checkResidual(residual, shape, "linear")
    let packed = packed(weight)
    var value = x.tape.uninitialized(shape)
    var y = value.mutableSpan
    let start = biasOrNone(bias)
    PanelProduct.multiply(
        m: rows, n: outs, k: ins, a: x.value.span, panels: packed.transposed.span,
        bias: start.span, c: &y, finish: adding(residual, width: outs))
    let inputs = [x, weight] + [bias, residual].compactMap(\.self)
    return x.tape.record(value, from: inputs) {
        [
            xPlace = x.place, xValue = x.value, weight = weight.place, bias = bias?.place,
            residual = residual?.place
        ] dy, sums in
        if let residual { sums.add(dy, to: residual) }
        sums.addLayerGradient(dy, xValue, rows: rows, weight: weight, bias: bias)
        sums.add(to: xPlace) { dx in
            PanelProduct.multiply(
                m: rows, n: ins, k: outs, a: dy.span, panels: packed.plain.span, c: &dx)
        }
    }
}

/// A weight in panels: packed ahead, or now.
func packed(_ weight: Variable) -> PackedWeight {
    weight.packed ?? PackedWeight(weight.value, pool: weight.tape.pool)
}

/// What rows of a product start from: a bias, or nothing for zeros.
func biasOrNone(_ bias: Variable?) -> Tensor { bias?.value ?? noBias }

private let noBias = Tensor(uninitialized: [0])

/// Traps unless a residual, if there is one, has the shape of the result.
func checkResidual(_ residual: Variable?, _ shape: Shape, _ operation: StaticString) {
    precondition(
        residual.map { $0.shape == shape } ?? true,
        "\(operation): a result \(shape) added to \(residual.map { "\($0.shape)" } ?? "-")")
}

/// Adds rows of a product to those of a residual, if there is one.
func adding(_ residual: Variable?, width: Int) -> PanelProduct.FinishRows {
    guard let residual = residual?.value else { return { _, _ in } }
    return { rows, part in
        Vector.add(residual.span.extracting(elements(of: rows, width: width)), to: &part)
    }
}

/// Where rows of so many floats stand.
func elements(of rows: Range<Int>, width: Int) -> Range<Int> {
    (rows.lowerBound * width)..<(rows.upperBound * width)
}

extension Cotangents {
    /// Adds the gradients of a layer's weight, dy^T x, and of its bias, the sum of dy over rows.
    ///
    /// - Parameters:
    ///   - dy: `[rows, out]`, the gradient of the layer's result.
    ///   - x: `[rows, in]`, what went into it.
    ///   - weight: `[out, in]`.
    ///   - bias: `[out]`, or `nil` for none.
    mutating func addLayerGradient(
        _ dy: borrowing Tensor, _ x: Tensor, rows: Int, weight: Place, bias: Place?
    ) {
        let (outs, ins) = (weight.shape[0], weight.shape[1])
        let bias = bias.flatMap { $0.needsGradient ? $0 : nil }
        var columnSums = uninitialized([bias == nil ? 0 : outs])
        if weight.needsGradient {
            var panels = uninitialized([
                PanelProduct.layerGradientScratchCount(m: outs, n: ins, k: rows)
            ])
            add(to: weight) { dw in
                var biasSums = columnSums.mutableSpan
                var scratch = panels.mutableSpan
                PanelProduct.layerGradient(
                    m: outs, n: ins, k: rows, a: dy.span, b: x.span, c: &dw, sums: &biasSums,
                    scratch: &scratch)
            }
        } else {
            var biasSums = columnSums.mutableSpan
            Rows.columnSums(dy.span, into: &biasSums)
        }
        if let bias { add(columnSums, to: bias) }
    }
}
