import Kernels

/// The result of a batch normalisation and the statistics that running buffers follow.
public struct BatchNormResult {
    /// The normalised images, `[B, C, H, W]`.
    public let output: Variable
    /// The mean of each channel, `[C]`.
    public let mean: Tensor
    /// The unbiased variance of each channel, `[C]`.
    public let variance: Tensor
}

/// Batch normalisation with the batch's own statistics (Ioffe and Szegedy 2015).
///
/// - Parameters:
///   - x: `[B, C, H, W]` with at least two elements a channel.
///   - weight: `[C]`.
///   - bias: `[C]`.
///   - epsilon: added to the biased variance, which normalises.
public func batchNorm2d(
    _ x: Variable, weight: Variable, bias: Variable, epsilon: Float = 1e-5
)
    -> BatchNormResult
{
    let channels = checkedChannels(x, weight, bias)
    precondition(channels.count > 1, "batchNorm2d: one element in a channel of \(x.shape)")
    let tape = x.tape
    let size = weight.shape
    var (means, variances) = (tape.uninitialized(size), tape.uninitialized(size))
    var mean = means.mutableSpan
    var variance = variances.mutableSpan
    channels.statistics(x.value.span, means: &mean, variances: &variance)
    let inverses = inverseDeviations(variances, epsilon)
    var value = tape.uninitialized(x.shape)
    var y = value.mutableSpan
    channels.normalize(
        x.value.span, means: means.span, inverses: inverses.span, weight: weight.value.span,
        bias: bias.value.span, into: &y)
    let output = tape.record(value, from: x, weight, bias) { [means, bias = bias.place] g, sums in
        var result = sums.uninitialized(x.shape)
        var (dWeight, dBias) = (sums.uninitialized(size), sums.uninitialized(size))
        var dx = result.mutableSpan
        var dw = dWeight.mutableSpan
        var db = dBias.mutableSpan
        channels.normalizeGradient(
            x.value.span, means: means.span, inverses: inverses.span, weight: weight.value.span,
            gradient: g.span, into: &dx, dWeight: &dw, dBias: &db)
        sums.add(dBias, to: bias)
        sums.add(dWeight, to: weight.place)
        sums.add(result, to: x.place)
    }
    var unbiased = variances
    var span = unbiased.mutableSpan
    Vector.scale(&span, by: Float(channels.count) / Float(channels.count - 1))
    return BatchNormResult(output: output, mean: means, variance: unbiased)
}

/// Batch normalisation with given statistics, as in evaluation; they receive no gradient.
///
/// - Parameters:
///   - x: `[B, C, H, W]`.
///   - weight: `[C]`.
///   - bias: `[C]`.
///   - mean: `[C]`, the running mean.
///   - variance: `[C]`, the running variance.
public func batchNorm2d(
    _ x: Variable, weight: Variable, bias: Variable, mean: Tensor, variance: Tensor,
    epsilon: Float = 1e-5
) -> Variable {
    let channels = checkedChannels(x, weight, bias)
    precondition(
        mean.shape == weight.shape && variance.shape == weight.shape,
        "batchNorm2d: weight \(weight.shape), mean \(mean.shape), variance \(variance.shape)")
    let inverses = inverseDeviations(variance, epsilon)
    var value = x.tape.uninitialized(x.shape)
    var y = value.mutableSpan
    channels.normalize(
        x.value.span, means: mean.span, inverses: inverses.span, weight: weight.value.span,
        bias: bias.value.span, into: &y)
    return x.tape.record(value, from: x, weight, bias) { [bias = bias.place] g, sums in
        var (dWeight, dBias) = (
            sums.uninitialized(weight.shape), sums.uninitialized(weight.shape)
        )
        var result = sums.uninitialized(x.shape)
        var dx = result.mutableSpan
        var dw = dWeight.mutableSpan
        var db = dBias.mutableSpan
        channels.normalizeGradient(
            x.value.span, means: mean.span, inverses: inverses.span, weight: weight.value.span,
            gradient: g.span, into: &dx, dWeight: &dw, dBias: &db)
        // The statistics are given: only the plain part of the gradient reaches x.
        let zeros = Tensor(zeros: weight.shape)
        channels.normalize(
            g.span, means: zeros.span, inverses: inverses.span, weight: weight.value.span,
            bias: zeros.span, into: &dx)
        sums.add(dBias, to: bias)
        sums.add(dWeight, to: weight.place)
        sums.add(result, to: x.place)
    }
}

private func checkedChannels(_ x: Variable, _ weight: Variable, _ bias: Variable) -> Channels {
    precondition(
        x.shape.rank == 4 && weight.shape == [x.shape[1]] && bias.shape == weight.shape,
        "batchNorm2d: x \(x.shape), weight \(weight.shape), bias \(bias.shape)")
    return Channels(
        images: x.shape[0], channels: x.shape[1], area: x.shape[2] * x.shape[3])
}

/// 1 / sqrt(variance + epsilon).
private func inverseDeviations(_ variance: Tensor, _ epsilon: Float) -> Tensor {
    var result = variance
    var span = result.mutableSpan
    for index in 0..<span.count { span[index] = 1 / (span[index] + epsilon).squareRoot() }
    return result
}
