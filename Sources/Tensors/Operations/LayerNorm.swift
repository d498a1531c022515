import Kernels

/// Layer normalisation over the last axis (Ba, Kiros and Hinton 2016):
/// (x - mean) / sqrt(variance + epsilon) weight + bias, with the biased variance.
///
/// - Parameters:
///   - x: `[..., n]`.
///   - weight: `[n]`.
///   - bias: `[n]`.
///   - epsilon: 1e-6 in timm's transformers, 1e-5 in PyTorch's.
/// - Returns: the shape of x.
public func layerNorm(
    _ x: Variable, weight: Variable, bias: Variable, epsilon: Float = 1e-6
)
    -> Variable
{
    let width = x.shape.last
    precondition(
        weight.shape == [width] && bias.shape == [width],
        "layerNorm: x \(x.shape), weight \(weight.shape), bias \(bias.shape)")
    let tape = x.tape
    var value = tape.uninitialized(x.shape)
    var means = tape.uninitialized([x.shape.rowCount])
    var inverses = tape.uninitialized([x.shape.rowCount])
    var y = value.mutableSpan
    var mean = means.mutableSpan
    var inverse = inverses.mutableSpan
    Rows.layerNorm(
        x.value.span, weight: weight.value.span, bias: bias.value.span, epsilon: epsilon,
        into: &y, means: &mean, inverses: &inverse)
    return tape.record(value, from: x, weight, bias) {
        [x = x.kept, weight = weight.kept, means, inverses, bias = bias.place] g, sums in
        var (dWeight, dBias) = (sums.uninitialized([width]), sums.uninitialized([width]))
        func addGradients(_ dx: inout MutableSpan<Float>, isAdded: Bool) {
            var dw = dWeight.mutableSpan
            var db = dBias.mutableSpan
            Rows.layerNormGradient(
                x.value.span, weight: weight.value.span, means: means.span,
                inverses: inverses.span, gradient: g.span, isAdded: isAdded, into: &dx,
                dWeight: &dw, dBias: &db)
        }
        if x.needsGradient {
            sums.add(to: x.place) { addGradients(&$0, isAdded: $1) }
        } else {
            var unused = sums.uninitialized(x.shape)
            var dx = unused.mutableSpan
            addGradients(&dx, isAdded: false)
        }
        sums.add(dBias, to: bias)
        sums.add(dWeight, to: weight.place)
    }
}
