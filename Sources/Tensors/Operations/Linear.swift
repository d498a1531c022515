import Kernels

/// y = x W^T + b over the last axis, as one matrix product that starts from the bias.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`; packed on the way unless it is packed already.
///   - bias: `[out]`, or `nil` for none.
/// - Returns: `[..., out]`.
public func linear(_ x: Variable, weight: Variable, bias: Variable? = nil) -> Variable {
    precondition(
        weight.shape.rank == 2 && x.shape.rank >= 1 && x.shape.last == weight.shape[1]
            && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
        "linear: x \(x.shape), weight \(weight.shape), bias \(bias.map { "\($0.shape)" } ?? "-")")
    let (rows, outs, ins) = (x.shape.rowCount, weight.shape[0], weight.shape[1])
    let packed = packed(weight)
    var value = x.tape.uninitialized(x.shape.replacing(axis: x.shape.rank - 1, with: outs))
    var y = value.mutableSpan
    let start = biasOrNone(bias)
    PanelProduct.multiply(
        m: rows, n: outs, k: ins, a: x.value.span, panels: packed.transposed.span,
        bias: start.span, c: &y)
    let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
    return x.tape.record(value, from: inputs) {
        [
            xPlace = x.place, xValue = x.value, weight = weight.place, bias = bias?.place
        ] dy, sums in
        if let bias {
            sums.add(to: bias) { Rows.columnSums(dy.span, into: &$0) }
        }
        sums.addWeightGradient(dy, xValue, rows: rows, to: weight)
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
func biasOrNone(_ bias: Variable?) -> Tensor { bias?.value ?? Tensor(uninitialized: [0]) }

extension Cotangents {
    /// Adds the gradient of a layer's weight, dy^T x.
    ///
    /// - Parameters:
    ///   - dy: `[rows, out]`, the gradient of the layer's result.
    ///   - x: `[rows, in]`, what went into it.
    ///   - weight: `[out, in]`.
    mutating func addWeightGradient(
        _ dy: borrowing Tensor, _ x: Tensor, rows: Int, to weight: Place
    ) {
        let (outs, ins) = (weight.shape[0], weight.shape[1])
        var panels = uninitialized([
            weight.needsGradient ? PanelProduct.transposedScratchCount(columns: ins, rows: rows) : 0
        ])
        add(to: weight) { dw in
            var scratch = panels.mutableSpan
            PanelProduct.multiplyTransposed(
                m: outs, n: ins, k: rows, a: dy.span, b: x.span, c: &dw, scratch: &scratch)
        }
    }
}
