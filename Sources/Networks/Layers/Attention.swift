public import Tensors

/// Multi-head self-attention with one packed projection, as timm has it.
public struct Attention: Sendable {
    private let qkv: Linear
    private let projection: Linear
    private let heads: Int
    private let isCausal: Bool

    /// Enters `NAME.qkv` `[3 width, width]` and `NAME.proj` `[width, width]`, with biases.
    ///
    /// torch's defaults are those of `nn.MultiheadAttention`: Xavier uniform for the packed
    /// projection, zero biases.
    ///
    /// - Parameter isCausal: whether a token attends to itself and the tokens before it alone.
    public init(
        _ layout: inout ParameterLayout, name: String, width: Int, heads: Int,
        initialisation: Initialisation, isCausal: Bool = false
    ) {
        precondition(heads > 0 && width % heads == 0, "\(heads) heads of a width of \(width)")
        self.heads = heads
        self.isCausal = isCausal
        qkv = Linear(
            &layout, name: "\(name).qkv", inputs: width, outputs: 3 * width,
            weight: initialisation == .torch
                ? .xavier(fanIn: width, fanOut: 3 * width) : .timmNormal, bias: .zeros)
        projection = Linear(
            &layout, name: "\(name).proj", inputs: width, outputs: width,
            weight: initialisation.linearWeight(fanIn: width), bias: .zeros)
    }

    /// `[B, T, width]` to the same shape, added to a residual of that shape if there is one.
    public func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, addedTo residual: Variable? = nil
    ) -> Variable {
        projection(
            selfAttention(qkv(x, pass), heads: heads, isCausal: isCausal), pass,
            addedTo: residual)
    }
}
