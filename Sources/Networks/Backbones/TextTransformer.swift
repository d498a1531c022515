public import Tensors

/// CLIP's text encoder (Radford and others 2021): a causal transformer whose feature is what the
/// end-of-text token has become.
///
/// Token and positional embeddings, pre-norm blocks in which a token attends to itself and those
/// before it, a final norm, and a projection without bias. What stands behind end-of-text is never
/// looked at, so padding needs no mask. Other than in CLIP the blocks are this library's: GELU
/// instead of QuickGELU, torch's default first values.
public struct TextTransformer: Sendable {
    /// Sizes of a text transformer.
    public struct Settings: Sendable, Hashable {
        /// V, the number of different tokens.
        public var vocabulary: Int
        /// T, the tokens of every sequence, padding included.
        public var context: Int
        /// C, the length of a token's vector.
        public var width: Int
        /// The number of blocks.
        public var depth: Int
        /// The number of attention heads; divides the width.
        public var heads: Int
        /// The hidden width of a block's MLP, as a multiple of the width.
        public var mlpRatio: Int
        /// D, the length of an embedding.
        public var embeddingWidth: Int

        /// Settings of a text transformer.
        public init(
            vocabulary: Int, context: Int, width: Int, depth: Int, heads: Int, mlpRatio: Int = 4,
            embeddingWidth: Int
        ) {
            self.vocabulary = vocabulary
            self.context = context
            self.width = width
            self.depth = depth
            self.heads = heads
            self.mlpRatio = mlpRatio
            self.embeddingWidth = embeddingWidth
        }
    }

    private let settings: Settings
    private let tokens: Int
    private let positions: Int
    private let blocks: [TransformerBlock]
    private let norm: LayerNorm
    private let projection: Linear

    /// Enters `token_embedding.weight` `[V, C]`, `positional_embedding` `[T, C]`, the blocks,
    /// `ln_final` and `text_projection.weight` `[D, C]`.
    ///
    /// - Precondition: the heads divide the width.
    public init(_ layout: inout ParameterLayout, _ settings: Settings) {
        let c = settings.width
        self.settings = settings
        tokens = layout.parameter(
            "token_embedding.weight", [settings.vocabulary, c], .embedding,
            .normal(deviation: 0.02))
        positions = layout.parameter(
            "positional_embedding", [settings.context, c], .embedding, .normal(deviation: 0.01))
        var blocks: [TransformerBlock] = []
        for index in 0..<settings.depth {
            blocks.append(
                TransformerBlock(
                    &layout, name: "blocks.\(index)", width: c, heads: settings.heads,
                    hidden: settings.mlpRatio * c, initialisation: .torch, isCausal: true))
        }
        self.blocks = blocks
        norm = LayerNorm(
            &layout, name: "ln_final", width: c, epsilon: Initialisation.torch.normEpsilon)
        projection = Linear(
            &layout, name: "text_projection", inputs: c, outputs: settings.embeddingWidth,
            weight: .normal(deviation: 1 / Float(c).squareRoot()), bias: nil)
    }

    /// Texts to embeddings `[texts, D]`.
    ///
    /// - Parameter texts: sequences of T tokens of the vocabulary.
    public func callAsFunction(_ texts: TokenSequences, _ pass: ForwardPass) -> Variable {
        let (length, width) = (settings.context, settings.width)
        precondition(texts.length == length, "texts of \(texts.length) tokens, not \(length)")
        let rows = texts.count * length
        var x = gatheredRows(pass.variable(tokens), texts.tokens)
            .reshaped([texts.count, length, width])
        x = addBroadcast(x, pass.variable(positions))
        for block in blocks { x = block(x, pass) }
        // The norm is one of each token: only those at the ends are needed.
        let ends = texts.ends.enumerated().map { $0.offset * length + $0.element }
        let features = norm(gatheredRows(x.reshaped([rows, width]), ends), pass)
        return projection(features, pass)
    }
}
