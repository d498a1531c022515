public import Tensors

/// Batch normalisation of channels-last images, with the statistics of the slice in training and
/// the running ones in evaluation.
///
/// In training the slice's mean and unbiased variance are noted in the pass; they travel with
/// the slice's result, and the coordinator moves the running buffers once a step.
public struct BatchNorm2d: Sendable {
    private let weight: Int
    private let bias: Int
    private let mean: Int
    private let variance: Int

    /// Enters `NAME.weight` (ones) and `NAME.bias` (zeros), and the buffers `NAME.running_mean`
    /// (zeros) and `NAME.running_var` (ones).
    public init(_ layout: inout ParameterLayout, name: String, channels: Int) {
        weight = layout.parameter("\(name).weight", [channels], .norm, .ones)
        bias = layout.parameter("\(name).bias", [channels], .norm, .zeros)
        mean = layout.buffer("\(name).running_mean", [channels], .zeros)
        variance = layout.buffer("\(name).running_var", [channels], .ones)
    }

    /// `[B, H, W, channels]` to the same shape.
    ///
    /// - Parameters:
    ///   - residual: added to the normalised images.
    ///   - isRectified: whether a ReLU follows.
    public func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, adding residual: Variable? = nil,
        isRectified: Bool = false
    ) -> Variable {
        let (weight, bias) = (pass.variable(weight), pass.variable(bias))
        guard pass.isTraining else {
            return batchNorm2d(
                x, weight: weight, bias: bias, mean: pass.buffer(mean),
                variance: pass.buffer(variance), adding: residual, isRectified: isRectified)
        }
        let result = batchNorm2d(
            x, weight: weight, bias: bias, adding: residual, isRectified: isRectified)
        pass.note(result.mean, for: mean)
        pass.note(result.variance, for: variance)
        return result.output
    }
}
