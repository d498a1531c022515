public import Tensors

/// Layer normalisation over the last axis.
public struct LayerNorm: Sendable {
    private let weight: Int
    private let bias: Int
    private let epsilon: Float

    /// Enters `NAME.weight` (ones) and `NAME.bias` (zeros).
    ///
    /// - Parameter epsilon: 1e-5 in torch, 1e-6 in timm's transformers.
    public init(_ layout: inout ParameterLayout, name: String, width: Int, epsilon: Float) {
        weight = layout.parameter("\(name).weight", [width], .norm, .ones)
        bias = layout.parameter("\(name).bias", [width], .norm, .zeros)
        self.epsilon = epsilon
    }

    /// `[..., width]` to the same shape.
    public func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        layerNorm(
            x, weight: pass.variable(weight), bias: pass.variable(bias), epsilon: epsilon)
    }
}
