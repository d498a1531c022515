internal import Buffers
public import Tensors

/// Which encoder a run file asks for.
public enum EncoderSettings: Sendable, Hashable {
    /// A vision transformer.
    case visionTransformer(VisionTransformer.Settings)
    /// A residual network.
    case residualNetwork(ResNet.Settings)
    /// The small convolutional net, with the channels after each convolution; by default those of
    /// the reference run.
    case smallConvolutionalNet(
        widths: [Int] = SmallConvolutionalNet.referenceWidths,
        firstWeights: SmallConvolutionalNet.FirstWeights = .torch)

    /// Enters the encoder's parameters for images of one size.
    public func makeEncoder(
        _ layout: inout ParameterLayout, channels: Int, height: Int, width: Int
    ) -> any Encoder {
        switch self {
        case .visionTransformer(let settings):
            VisionTransformer(
                &layout, settings, channels: channels, height: height, width: width)
        case .residualNetwork(let settings):
            ResNet(&layout, settings, channels: channels)
        case .smallConvolutionalNet(let widths, let firstWeights):
            SmallConvolutionalNet(
                &layout, channels: channels, widths: widths, firstWeights: firstWeights)
        }
    }
}

/// An encoder with a head: features for downstream tasks, and the embeddings z that a loss is
/// computed on.
public struct EmbeddingNetwork: Sendable {
    /// Where an encoder came from: what a weight file is written and read for.
    public struct Origin: Sendable, Hashable {
        /// What the encoder is.
        public let settings: EncoderSettings
        /// Channels of an image.
        public let channels: Int
        /// Rows of an image.
        public let height: Int
        /// Columns of an image.
        public let width: Int

        /// The shape of `count` images, `[count, channels, height, width]`.
        public func shape(count: Int) -> Shape { [count, channels, height, width] }
    }

    /// All parameters and buffers: the encoder's, then the head's, whose names begin with `head.`.
    public let layout: ParameterLayout
    /// The encoder's own parameters and buffers, which begin `layout` with the same offsets.
    public let encoderLayout: ParameterLayout
    /// What the encoder is and which images it takes; nil over an encoder made elsewhere.
    public private(set) var origin: Origin?
    /// D, the length of an embedding.
    public let embeddingWidth: Int

    private let encoder: any Encoder
    private let head: EmbeddingHead?

    /// A network for images of one size.
    ///
    /// - Parameter head: what follows the encoder.
    public init(
        _ settings: EncoderSettings, channels: Int, height: Int, width: Int, embeddingWidth: Int,
        head: HeadSettings = .linear
    ) {
        var layout = ParameterLayout()
        let encoder = settings.makeEncoder(
            &layout, channels: channels, height: height, width: width)
        self.init(encoder, layout: layout, embeddingWidth: embeddingWidth, head: head)
        origin = Origin(settings: settings, channels: channels, height: height, width: width)
    }

    /// A network over an encoder that is there already.
    ///
    /// - Parameter layout: holds the encoder's parameters; the head's are added.
    public init(
        _ encoder: any Encoder, layout: ParameterLayout, embeddingWidth: Int,
        head: HeadSettings = .linear
    ) {
        var layout = layout
        self.encoder = encoder
        encoderLayout = layout
        self.head = EmbeddingHead(
            &layout, head, inputs: encoder.featureWidth, outputs: embeddingWidth)
        self.layout = layout
        self.embeddingWidth = embeddingWidth
    }

    /// An encoder without a head, for ready-made weights: its embeddings are its features.
    public init(encoder settings: EncoderSettings, channels: Int, height: Int, width: Int) {
        var layout = ParameterLayout()
        encoder = settings.makeEncoder(&layout, channels: channels, height: height, width: width)
        head = nil
        self.layout = layout
        encoderLayout = layout
        embeddingWidth = encoder.featureWidth
        origin = Origin(settings: settings, channels: channels, height: height, width: width)
    }

    /// The length of a feature vector.
    public var featureWidth: Int { encoder.featureWidth }

    /// Images `[B, C, H, W]` to features `[B, featureWidth]` and embeddings z `[B, D]`.
    public func callAsFunction(
        _ images: Variable, _ pass: ForwardPass
    ) -> (features: Variable, embeddings: Variable) {
        let features = encoder(images, pass)
        return (features, head?(features, pass) ?? features)
    }

    /// Features and embeddings of plain images, in evaluation.
    ///
    /// - Parameters:
    ///   - images: `[B, C, H, W]`.
    ///   - parameters: flat, `[layout.flatCount]`.
    ///   - buffers: flat, `[layout.bufferLayout.flatCount]`.
    ///   - tape: a fresh tape; its pool gives the results their memory.
    public func embed(
        _ images: Tensor, parameters: Tensor, buffers: Tensor, tape: Tape = Tape()
    ) -> (features: Tensor, embeddings: Tensor) {
        let pass = ForwardPass(
            layout, parameters: parameters, buffers: buffers, tape: tape, isTraining: false)
        let (features, embeddings) = self(tape.constant(images), pass)
        return (features.value, embeddings.value)
    }

    /// About how many bytes of activations a training pass keeps for each image.
    ///
    /// Measured: a pass over two images takes its memory from a pool, which gets all of it back.
    public func activationBytesPerImage(channels: Int, height: Int, width: Int) -> Int {
        let pool = BufferPool()
        let images = Tensor(zeros: [2, channels, height, width])
        holdPass(over: images, pool)
        return pool.counts.freeBytes / images.shape[0]
    }

    /// A forward pass that is let go of at once.
    @inline(never)
    private func holdPass(over images: Tensor, _ pool: BufferPool) {
        let tape = Tape(pool: pool)
        let pass = ForwardPass(
            layout, parameters: Tensor(zeros: [layout.flatCount]),
            buffers: layout.initialisedBuffers(), tape: tape, isTraining: true)
        _ = self(tape.constant(images), pass)
    }
}
