public import Tensors

/// A pre-norm vision transformer (Dosovitskiy and others 2021), its parameters named as timm's.
///
/// With mean pooling the final norm runs on every token, then tokens are averaged (timm with
/// `class_token=False, global_pool='avg', fc_norm=False`; the reference run). With class-token
/// pooling the norm of the class token is the feature (timm's default; CLIP's).
public struct VisionTransformer: Encoder {
    /// Sizes and kinds of a vision transformer.
    public struct Settings: Sendable, Hashable {
        /// How tokens become one feature vector.
        public enum Pooling: String, Sendable, Hashable, CaseIterable {
            /// The mean over the tokens of all patches.
            case mean
            /// A token of its own, in front of the patches.
            case classToken = "class-token"
        }

        /// The side of a patch in pixels; divides the image's sides.
        public var patch: Int
        /// C, the length of a token.
        public var width: Int
        /// The number of blocks.
        public var depth: Int
        /// The number of attention heads; divides the width.
        public var heads: Int
        /// The hidden width of a block's MLP, as a multiple of the width.
        public var mlpRatio: Int
        /// How tokens become one feature vector.
        public var pooling: Pooling
        /// Whose first values and epsilons it has.
        public var initialisation: Initialisation

        /// Settings of a vision transformer; by default those of the reference run's "vit7".
        public init(
            patch: Int = 7, width: Int = 64, depth: Int = 3, heads: Int = 4, mlpRatio: Int = 4,
            pooling: Pooling = .mean, initialisation: Initialisation = .torch
        ) {
            self.patch = patch
            self.width = width
            self.depth = depth
            self.heads = heads
            self.mlpRatio = mlpRatio
            self.pooling = pooling
            self.initialisation = initialisation
        }
    }

    /// C, the length of a feature vector.
    public let featureWidth: Int
    private let classToken: Int?
    private let positions: Int
    private let patches: PatchEmbedding
    private let blocks: [TransformerBlock]
    private let norm: LayerNorm

    /// Enters the transformer's parameters for images of one size.
    ///
    /// - Precondition: the patch divides height and width, the heads divide the width.
    public init(
        _ layout: inout ParameterLayout, _ settings: Settings, channels: Int, height: Int,
        width: Int
    ) {
        let patch = settings.patch
        precondition(
            patch > 0 && height % patch == 0 && width % patch == 0,
            "patches of \(patch) in images of \(height) x \(width)")
        let tokens = (height / patch) * (width / patch)
        let c = settings.width
        featureWidth = c
        var classToken: Int?
        if settings.pooling == .classToken {
            classToken = layout.parameter(
                "cls_token", [1, 1, c], .embedding, .normal(deviation: 1e-6))
        }
        self.classToken = classToken
        positions = layout.parameter(
            "pos_embed", [1, tokens + (classToken == nil ? 0 : 1), c], .embedding, .timmNormal)
        patches = PatchEmbedding(
            &layout, name: "patch_embed", channels: channels, patch: patch, width: c)
        var blocks: [TransformerBlock] = []
        for index in 0..<settings.depth {
            blocks.append(
                TransformerBlock(
                    &layout, name: "blocks.\(index)", width: c, heads: settings.heads,
                    hidden: settings.mlpRatio * c, initialisation: settings.initialisation))
        }
        self.blocks = blocks
        norm = LayerNorm(
            &layout, name: "norm", width: c, epsilon: settings.initialisation.normEpsilon)
    }

    /// Images `[B, channels, height, width]` to features `[B, C]`.
    public func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        let batch = images.shape[0]
        var x = patches(images, pass)  // [B, T, C]
        if let classToken {
            let nothing = pass.tape.constant(Tensor(zeros: [batch, 1, featureWidth]))
            let token = addBroadcast(nothing, pass.variable(classToken))
            x = concatenated([token, x], axis: 1)
        }
        x = addBroadcast(x, pass.variable(positions))
        for block in blocks { x = block(x, pass) }
        x = norm(x, pass)
        guard classToken != nil else { return meanOverTokens(x) }
        return x.sliced(axis: 1, 0..<1).reshaped([batch, featureWidth])
    }
}
