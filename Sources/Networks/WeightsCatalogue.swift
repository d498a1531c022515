/// An encoder whose weights others make and share, under its name in timm or torchvision.
public enum KnownEncoder: String, Sendable, Hashable, CaseIterable {
    /// timm's ViT-Ti/16.
    case vitTiny = "vit_tiny_patch16_224"
    /// timm's ViT-S/16.
    case vitSmall = "vit_small_patch16_224"
    /// timm's ViT-B/16.
    case vitBase = "vit_base_patch16_224"
    /// torchvision's and timm's ResNet-18.
    case resNet18 = "resnet18"
    /// torchvision's and timm's ResNet-50.
    case resNet50 = "resnet50"

    /// Channels of an image.
    public var channels: Int { 3 }

    /// Rows and columns of an image.
    public var side: Int { 224 }

    /// What the encoder is.
    public var settings: EncoderSettings {
        switch self {
        case .vitTiny: transformer(width: 192, heads: 3)
        case .vitSmall: transformer(width: 384, heads: 6)
        case .vitBase: transformer(width: 768, heads: 12)
        case .resNet18: .residualNetwork(.resNet18())
        case .resNet50: .residualNetwork(.resNet50())
        }
    }

    /// The encoder without a head.
    public var network: EmbeddingNetwork {
        EmbeddingNetwork(encoder: settings, channels: channels, height: side, width: side)
    }

    private func transformer(width: Int, heads: Int) -> EncoderSettings {
        .visionTransformer(
            VisionTransformer.Settings(
                patch: 16, width: width, depth: 12, heads: heads, mlpRatio: 4,
                pooling: .classToken, initialisation: .timm))
    }
}
