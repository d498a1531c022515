public import Tensors

/// A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).
public struct TransformerBlock: Sendable {
    private let norm1: LayerNorm
    private let attention: Attention
    private let norm2: LayerNorm
    private let mlp: MLP

    /// Enters `NAME.norm1`, `NAME.attn`, `NAME.norm2` and `NAME.mlp`.
    ///
    /// - Parameter isCausal: whether a token attends to itself and the tokens before it alone.
    public init(
        _ layout: inout ParameterLayout, name: String, width: Int, heads: Int, hidden: Int,
        initialisation: Initialisation, isCausal: Bool = false
    ) {
        let epsilon = initialisation.normEpsilon
        norm1 = LayerNorm(&layout, name: "\(name).norm1", width: width, epsilon: epsilon)
        attention = Attention(
            &layout, name: "\(name).attn", width: width, heads: heads,
            initialisation: initialisation, isCausal: isCausal)
        norm2 = LayerNorm(&layout, name: "\(name).norm2", width: width, epsilon: epsilon)
        mlp = MLP(
            &layout, name: "\(name).mlp", width: width, hidden: hidden,
            initialisation: initialisation)
    }

    /// `[B, T, width]` to the same shape.
    public func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        let attended = attention(norm1(x, pass), pass, addedTo: x)
        return mlp(norm2(attended, pass), pass, addedTo: attended)
    }
}
