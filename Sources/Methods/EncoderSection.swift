internal import Networks
internal import RunFiles

/// Every kind of data that a run file can name has images of one channel.
let imageChannels = 1

/// The encoders that a run file can name.
private enum EncoderKind: String, CaseIterable {
    /// A vision transformer.
    case vit
    /// ResNet-18.
    case resnet18
    /// ResNet-50.
    case resnet50
    /// Three 3x3 convolutions of stride 2 with batch norm (sheet section 6).
    case conv
}

/// Reads the section `network`, which is the same for all methods (MLCD sheet, sections 2.2 and 6).
///
/// Keys: `kind`; for a `vit` also `patch`, `width`, `depth`, `heads`, `mlpRatio`, `pooling` and
/// `initialisation`; for a ResNet `stem`; for `conv` `widths` and `initialisation`. Defaults are
/// "vit7" of the reference run. The head that follows is the method's.
func encoderSettings(from section: Section, imageSize: Int) -> EncoderSettings {
    let kind: EncoderKind = section.choice("kind", default: .vit)
    switch kind {
    case .vit: return .visionTransformer(transformerSettings(from: section, imageSize: imageSize))
    case .resnet18: return .residualNetwork(.resNet18(stem: stem(from: section)))
    case .resnet50: return .residualNetwork(.resNet50(stem: stem(from: section)))
    case .conv:
        return .smallConvolutionalNet(
            widths: widths(from: section),
            firstWeights: section.choice("initialisation", default: .torch, .later))
    }
}

/// Channels after each convolution; runs from before there was this key do not have it.
private func widths(from section: Section) -> [Int] {
    guard section.has("widths") else { return SmallConvolutionalNet.referenceWidths }
    return section.ints("widths", count: 1...8, in: 1...4096)
}

/// How images come into a ResNet: those of all data sets there are have 28 pixels.
private func stem(from section: Section) -> ResNet.Settings.Stem {
    section.choice("stem", default: .small)
}

/// Reads the keys of a vision transformer.
private func transformerSettings(
    from section: Section, imageSize: Int
) -> VisionTransformer.Settings {
    var settings = VisionTransformer.Settings(
        patch: section.int("patch", in: 1...256, default: 7),
        width: section.int("width", in: 1...8192, default: 64),
        depth: section.int("depth", in: 1...128, default: 3),
        heads: section.int("heads", in: 1...256, default: 4),
        mlpRatio: section.int("mlpRatio", in: 1...16, default: 4),
        pooling: section.choice("pooling", default: .mean),
        initialisation: section.choice("initialisation", default: .torch))
    if imageSize % settings.patch != 0 {
        section.reject(
            "patch", "\(settings.patch) does not divide views of \(imageSize) pixels",
            allowed: "a divisor of views.size")
        settings.patch = imageSize  // stands in, so that reading goes on
    }
    if settings.width % settings.heads != 0 {
        section.reject(
            "heads", "\(settings.heads) heads do not divide a width of \(settings.width)",
            allowed: "a divisor of width")
        settings.heads = 1
    }
    return settings
}
