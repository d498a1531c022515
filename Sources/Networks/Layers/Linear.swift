public import Tensors

/// y = x W^T + b, with W `[outputs, inputs]`.
public struct Linear: Sendable {
    private let weight: Int
    private let bias: Int?

    /// Enters `NAME.weight`, and `NAME.bias` unless `bias` is nil.
    public init(
        _ layout: inout ParameterLayout, name: String, inputs: Int, outputs: Int,
        weight: Initialiser, bias: Initialiser?
    ) {
        self.weight = layout.parameter("\(name).weight", [outputs, inputs], .weight, weight)
        self.bias = bias.map { layout.parameter("\(name).bias", [outputs], .bias, $0) }
    }

    /// `[..., inputs]` to `[..., outputs]`, added to a residual of that shape if there is one.
    public func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, addedTo residual: Variable? = nil
    ) -> Variable {
        let (weight, bias) = variables(pass)
        return linear(x, weight: weight, bias: bias, addedTo: residual)
    }

    /// The layer's parameters, for an operation that computes more than this layer.
    func variables(_ pass: ForwardPass) -> (weight: Variable, bias: Variable?) {
        (pass.variable(weight), bias.map(pass.variable))
    }
}
