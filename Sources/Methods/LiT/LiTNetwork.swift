internal import Buffers
internal import Networks
internal import Tensors

/// What LiT trains: the text tower, and t, the logarithm of what cosines are multiplied by.
struct LiTNetwork: Sendable {
    /// ln(1 / 0.07), where t begins (CLIP).
    static let logScaleStart: Float = 2.659_260_036_932_778

    /// The text tower's parameters, then `logit_scale` `[1]`.
    let layout: ParameterLayout
    /// The text tower.
    let texts: TextTransformer
    /// Makes tokens.
    let tokens: ByteTokens
    private let logScaleIndex: Int

    init(_ settings: LiTSettings) {
        var layout = ParameterLayout()
        texts = TextTransformer(&layout, settings.transformer)
        // As a norm's weight, a gain: what is exempt from weight decay where norms are.
        logScaleIndex = layout.parameter(
            "logit_scale", [1], .norm, .constant(Self.logScaleStart))
        self.layout = layout
        tokens = ByteTokens(context: settings.context)
    }

    /// t of a pass.
    func logScale(_ pass: ForwardPass) -> Variable { pass.variable(logScaleIndex) }

    /// A pass with a version's parameters.
    func pass(
        _ version: VersionTensors, tape: Tape, isTraining: Bool
    ) -> ForwardPass {
        ForwardPass(
            layout, parameters: version.parameters, buffers: version.buffers, tape: tape,
            isTraining: isTraining)
    }

    /// Embeddings `[texts, D]` in evaluation.
    func embedded(_ sequences: TokenSequences, _ version: VersionTensors) -> Tensor {
        texts(sequences, pass(version, tape: Tape(), isTraining: false)).value
    }

    /// About how many bytes of activations a training pass keeps for each text.
    ///
    /// Measured: a pass over two texts takes its memory from a pool, which gets all of it back.
    func activationBytesPerText() -> Int {
        let pool = BufferPool()
        holdPass(over: tokens.sequences(of: ["", ""]), pool)
        return pool.counts.freeBytes / 2
    }

    /// A forward pass that is let go of at once.
    @inline(never)
    private func holdPass(over sequences: TokenSequences, _ pool: BufferPool) {
        let version = VersionTensors(
            parameters: Tensor(zeros: [layout.flatCount]), buffers: layout.initialisedBuffers())
        _ = texts(sequences, pass(version, tape: Tape(pool: pool), isTraining: true))
    }
}
