import Kernels

/// The result of a batch normalisation and the statistics that running buffers follow.
public struct BatchNormResult {
    /// The normalised images, `[B, H, W, C]`.
    public let output: Variable
    /// The mean of each channel, `[C]`.
    public let mean: Tensor
    /// The unbiased variance of each channel, `[C]`.
    public let variance: Tensor
}

/// Batch normalisation of channels-last images with the batch's own statistics (Ioffe and Szegedy
/// 2015), and what residual networks do next in the same pass over memory.
///
/// - Parameters:
///   - x: `[B, H, W, C]` with at least two elements a channel.
///   - weight: `[C]`.
///   - bias: `[C]`.
///   - epsilon: added to the biased variance, which normalises.
///   - residual: added to the normalised images, of their shape.
///   - isRectified: whether negative results become zero.
public func batchNorm2d(
    _ x: Variable, weight: Variable, bias: Variable, epsilon: Float = 1e-5,
    adding residual: Variable? = nil, isRectified: Bool = false
) -> BatchNormResult {
    let channels = checkedChannels(x, weight, bias, residual)
    precondition(channels.count > 1, "batchNorm2d: one element in a channel of \(x.shape)")
    let size = weight.shape
    var (means, variances) = (x.tape.uninitialized(size), x.tape.uninitialized(size))
    var mean = means.mutableSpan
    var variance = variances.mutableSpan
    channels.statistics(x.value.span, means: &mean, variances: &variance)
    let norm = Normalisation(
        channels: channels, means: means, inverses: inverseDeviations(variances, epsilon),
        isOwn: true, isRectified: isRectified)
    let output = norm(x, weight, bias, residual)
    var unbiased = variances
    var span = unbiased.mutableSpan
    Vector.scale(&span, by: Float(channels.count) / Float(channels.count - 1))
    return BatchNormResult(output: output, mean: means, variance: unbiased)
}

/// Batch normalisation with given statistics, as in evaluation; they receive no gradient.
///
/// - Parameters:
///   - x: `[B, H, W, C]`.
///   - weight: `[C]`.
///   - bias: `[C]`.
///   - mean: `[C]`, the running mean.
///   - variance: `[C]`, the running variance.
///   - residual: added to the normalised images, of their shape.
///   - isRectified: whether negative results become zero.
public func batchNorm2d(
    _ x: Variable, weight: Variable, bias: Variable, mean: Tensor, variance: Tensor,
    epsilon: Float = 1e-5, adding residual: Variable? = nil, isRectified: Bool = false
) -> Variable {
    let channels = checkedChannels(x, weight, bias, residual)
    precondition(
        mean.shape == weight.shape && variance.shape == weight.shape,
        "batchNorm2d: weight \(weight.shape), mean \(mean.shape), variance \(variance.shape)")
    let norm = Normalisation(
        channels: channels, means: mean, inverses: inverseDeviations(variance, epsilon),
        isOwn: false, isRectified: isRectified)
    return norm(x, weight, bias, residual)
}

/// y = (x - mean) inverse weight + bias + residual, negative ones to zero, and its gradients.
private struct Normalisation {
    let channels: Channels
    let means: Tensor
    let inverses: Tensor
    /// Whether the statistics are those of x, so that x moves them.
    let isOwn: Bool
    let isRectified: Bool

    func callAsFunction(
        _ x: Variable, _ weight: Variable, _ bias: Variable, _ residual: Variable?
    ) -> Variable {
        let scale = product(weight.value, inverses)
        var value = x.tape.uninitialized(x.shape)
        normalize(x.value, scale, bias.value, residual?.value, into: &value)
        let inputs = [x, weight, bias] + (residual.map { [$0] } ?? [])
        let rectified = isRectified ? value : nil
        return x.tape.record(value, from: inputs) {
            [
                x = x.kept, weight = weight.place, bias = bias.place, residual = residual?.place
            ] gradient, sums in
            var g = gradient
            var dBias = sums.uninitialized(weight.shape)
            var products = sums.uninitialized(weight.shape)
            gatherSums(x.value, rectified, &g, &dBias, &products)
            let dWeight = product(products, inverses)
            if let residual { sums.add(g, to: residual) }
            if x.needsGradient {
                sums.add(inputGradient(x.value, scale, g, dBias, dWeight, sums), to: x.place)
            }
            sums.add(dBias, to: bias)
            sums.add(dWeight, to: weight)
        }
    }

    private func normalize(
        _ x: Tensor, _ scale: Tensor, _ bias: Tensor, _ residual: Tensor?,
        into value: inout Tensor
    ) {
        var y = value.mutableSpan
        if let residual {
            channels.normalize(
                x.span, means: means.span, scale: scale.span, bias: bias.span,
                residual: residual.span, isRectified: isRectified, into: &y)
        } else {
            channels.normalize(
                x.span, means: means.span, scale: scale.span, bias: bias.span,
                residual: Span(), isRectified: isRectified, into: &y)
        }
    }

    /// The sums over every channel of g and of g (x - mean); g of what was cut off becomes zero.
    private func gatherSums(
        _ x: Tensor, _ rectified: Tensor?, _ g: inout Tensor, _ sums: inout Tensor,
        _ products: inout Tensor
    ) {
        var gradient = g.mutableSpan
        var sum = sums.mutableSpan
        var product = products.mutableSpan
        if let rectified {
            channels.normalizeSums(
                x.span, means: means.span, rectified: rectified.span, gradient: &gradient,
                sums: &sum, products: &product)
        } else {
            channels.normalizeSums(
                x.span, means: means.span, rectified: Span(), gradient: &gradient, sums: &sum,
                products: &product)
        }
    }

    /// With n = (x - mean) inverse: scale (g - db / N - n dw / N) if the statistics are of x.
    private func inputGradient(
        _ x: Tensor, _ scale: Tensor, _ g: Tensor, _ dBias: Tensor, _ dWeight: Tensor,
        _ sums: Cotangents
    ) -> Tensor {
        var (shift, slope) = (dBias, product(dWeight, inverses))
        let share = isOwn ? 1 / Float(channels.count) : 0
        var shifts = shift.mutableSpan
        Vector.scale(&shifts, by: share)
        var slopes = slope.mutableSpan
        Vector.scale(&slopes, by: share)
        var result = sums.uninitialized(x.shape)
        var dx = result.mutableSpan
        channels.normalizeGradient(
            x.span, means: means.span, scale: scale.span, shift: shift.span, slope: slope.span,
            gradient: g.span, into: &dx)
        return result
    }

    private func product(_ a: Tensor, _ b: Tensor) -> Tensor {
        var result = a
        var span = result.mutableSpan
        Vector.multiply(b.span, into: &span)
        return result
    }
}

private func checkedChannels(
    _ x: Variable, _ weight: Variable, _ bias: Variable, _ residual: Variable?
) -> Channels {
    precondition(
        x.shape.rank == 4 && weight.shape == [x.shape[3]] && bias.shape == weight.shape
            && (residual.map { $0.shape == x.shape } ?? true),
        "batchNorm2d: x \(x.shape), weight \(weight.shape), bias \(bias.shape)")
    return Channels(
        count: x.shape[0] * x.shape[1] * x.shape[2], channels: x.shape[3])
}

/// 1 / sqrt(variance + epsilon).
private func inverseDeviations(_ variance: Tensor, _ epsilon: Float) -> Tensor {
    var result = variance
    var span = result.mutableSpan
    for index in 0..<span.count { span[index] = 1 / (span[index] + epsilon).squareRoot() }
    return result
}
