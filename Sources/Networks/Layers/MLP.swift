public import Tensors

/// Two linear layers with a GELU between.
public struct MLP: Sendable {
    private let first: Linear
    private let second: Linear

    /// Enters `NAME.fc1` `[hidden, width]` and `NAME.fc2` `[width, hidden]`, with biases.
    public init(
        _ layout: inout ParameterLayout, name: String, width: Int, hidden: Int,
        initialisation: Initialisation
    ) {
        first = Linear(
            &layout, name: "\(name).fc1", inputs: width, outputs: hidden,
            weight: initialisation.linearWeight(fanIn: width),
            bias: initialisation.linearBias(fanIn: width))
        second = Linear(
            &layout, name: "\(name).fc2", inputs: hidden, outputs: width,
            weight: initialisation.linearWeight(fanIn: hidden),
            bias: initialisation.linearBias(fanIn: hidden))
    }

    /// `[..., width]` to the same shape, added to a residual of that shape if there is one.
    public func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, addedTo residual: Variable? = nil
    ) -> Variable {
        feedForward(
            x, first: first.variables(pass), second: second.variables(pass),
            addedTo: residual)
    }
}
