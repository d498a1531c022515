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
    let packed = weight.packed ?? PackedWeight(weight.value, pool: x.tape.pool)
    var value = x.tape.uninitialized(x.shape.replacing(axis: x.shape.rank - 1, with: outs))
    var y = value.mutableSpan
    let panels = packed.transposed.span
    if let bias {
        PanelProduct.multiply(
            m: rows, n: outs, k: ins, a: x.value.span, panels: panels, bias: bias.value.span, c: &y)
    } else {
        PanelProduct.multiply(m: rows, n: outs, k: ins, a: x.value.span, panels: panels, c: &y)
    }
    let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
    return x.tape.record(value, from: inputs) {
        [
            xPlace = x.place, xValue = x.value, weight = weight.place, bias = bias?.place,
            pool = x.tape.pool
        ] dy, sums in
        if let bias {
            sums.add(to: bias) { Rows.columnSums(dy.span, into: &$0) }
        }
        sums.add(to: weight) { dw in
            var panels = Tensor(
                uninitialized: [PanelProduct.floatCount(rows: rows, columns: ins)], pool: pool)
            var span = panels.mutableSpan
            PanelProduct.pack(xValue.span, rows: rows, columns: ins, into: &span)
            PanelProduct.multiplyTransposed(
                m: outs, n: ins, k: rows, a: dy.span, panels: panels.span, c: &dw)
        }
        sums.add(to: xPlace) { dx in
            PanelProduct.multiply(
                m: rows, n: ins, k: outs, a: dy.span, panels: packed.plain.span, c: &dx)
        }
    }
}
