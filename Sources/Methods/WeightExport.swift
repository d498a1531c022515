public import Networks
public import Storage
internal import Tensors

/// A trained encoder as a file with exactly the tensors that timm or torchvision expect, so that
/// `load_state_dict` takes it with `strict=True`.
public struct WeightExport: Sendable {
    /// Who is to load it.
    public enum Target: String, Sendable, Hashable, CaseIterable {
        /// timm, made with `num_classes=0`.
        case timm
        /// torchvision, with `torch.nn.Identity` as `fc`.
        case torchvision
        /// Pleiad: encoder and head.
        case pleiad
    }

    /// Who is to load it.
    public let target: Target
    /// The tensors.
    public let entries: [SafetensorsEntry]
    /// Numbers in all tensors of floats.
    public let floatCount: Int
    /// Python that makes the module which loads it; nil for Pleiad itself.
    public let constructor: String?
    private let step: Int

    /// The encoder of a network with these weights.
    ///
    /// - Parameters:
    ///   - step: steps of training; torch's counts of batches say the same.
    ///   - target: by default timm for transformers, torchvision for ResNets, else Pleiad.
    /// - Throws: `WeightExportError` if the target has no such encoder.
    public init(
        _ network: EmbeddingNetwork, _ version: VersionTensors, step: Int, for target: Target? = nil
    ) throws(WeightExportError) {
        let target = target ?? network.origin?.settings.usualTarget ?? .pleiad
        let constructor = network.origin.flatMap { $0.constructor(for: target) }
        guard target == .pleiad || constructor != nil else {
            throw .noCounterpart(target, encoder: network.origin?.settings.title ?? "encoder")
        }
        let layout = target == .pleiad ? network.layout : network.encoderLayout
        var entries: [SafetensorsEntry] = []
        var floatCount = 0
        let tensors = layout.named(parameters: version.parameters, buffers: version.buffers)
        for (name, tensor) in tensors.entries.map({ ($0.name, $0.tensor) }) {
            floatCount += tensor.count
            entries.append(SafetensorsEntry(name, .f32(tensor)))
            if target != .pleiad, let count = WeightNames.batchCount(besides: name) {
                entries.append(SafetensorsEntry(count, .i64([Int64(step)], dims: [])))
            }
        }
        self.target = target
        self.constructor = constructor
        self.entries = entries
        self.floatCount = floatCount
        self.step = step
    }

    /// Writes the file; after a crash the old or the new one is there.
    public func write(to path: String) throws(StorageError) {
        var metadata = [(key: "format", value: "pt"), ("pleiad.step", "\(step)")]
        if let constructor { metadata.append(("pleiad.constructor", constructor)) }
        try SafetensorsFile.write(entries, metadata: metadata, to: path)
    }
}

/// Why weights cannot be exported.
public enum WeightExportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The target has no such encoder.
    case noCounterpart(WeightExport.Target, encoder: String)

    /// What, and what to do.
    public var description: String {
        switch self {
        case .noCounterpart(let target, let encoder):
            "\(target.rawValue) has no \(encoder) with these tensors. Leave out --for, or say "
                + "--for pleiad."
        }
    }
}

extension EncoderSettings {
    /// Whose names and modules it follows.
    fileprivate var usualTarget: WeightExport.Target {
        switch self {
        case .visionTransformer: .timm
        case .residualNetwork: .torchvision
        case .smallConvolutionalNet: .pleiad
        }
    }

    /// What it is, for messages.
    fileprivate var title: String {
        switch self {
        case .visionTransformer: "vision transformer"
        case .residualNetwork: "residual network"
        case .smallConvolutionalNet: "small convolutional net"
        }
    }
}

extension EmbeddingNetwork.Origin {
    /// Python that makes the target's module; nil if it has none.
    fileprivate func constructor(for target: WeightExport.Target) -> String? {
        switch (settings, target) {
        case (.visionTransformer(let transformer), .timm): timm(transformer)
        case (.residualNetwork(let residual), .torchvision): torchvision(residual)
        case (.residualNetwork(let residual), .timm): timm(residual)
        case (.visionTransformer, _), (.smallConvolutionalNet, _), (.residualNetwork, .pleiad): nil
        }
    }

    /// torchvision's `ResNet` without `fc`; one of another width there is none.
    private func torchvision(_ residual: ResNet.Settings) -> String? {
        guard residual.width == 64, residual.depths.count == 4 else { return nil }
        var text =
            "net = torchvision.models.ResNet(\(python(residual, of: "torchvision"))); "
            + "net.fc = torch.nn.Identity()"
        if channels != 3 || residual.stem == .small {
            let window = residual.stem == .small ? "3, 1, 1" : "7, 2, 3"
            text += "; net.conv1 = torch.nn.Conv2d(\(channels), 64, \(window), bias=False)"
        }
        return residual.stem == .small ? text + "; net.maxpool = torch.nn.Identity()" : text
    }

    /// timm's `ResNet` without a classifier.
    private func timm(_ residual: ResNet.Settings) -> String? {
        guard residual.width == 64, residual.depths.count == 4 else { return nil }
        let text =
            "net = timm.models.resnet.ResNet(\(python(residual, of: "timm")), "
            + "in_chans=\(channels), num_classes=0)"
        guard residual.stem == .small else { return text }
        return text + "; net.conv1 = torch.nn.Conv2d(\(channels), 64, 3, 1, 1, bias=False); "
            + "net.maxpool = torch.nn.Identity()"
    }

    private func python(_ residual: ResNet.Settings, of library: String) -> String {
        let module = library == "timm" ? "timm.models.resnet" : "torchvision.models.resnet"
        let block = residual.block == .basic ? "BasicBlock" : "Bottleneck"
        return "\(module).\(block), \(residual.depths)"
    }

    /// timm's `VisionTransformer`, without a classifier.
    private func timm(_ transformer: VisionTransformer.Settings) -> String {
        var arguments = [
            "img_size=(\(height), \(width))", "patch_size=\(transformer.patch)",
            "in_chans=\(channels)", "num_classes=0", "embed_dim=\(transformer.width)",
            "depth=\(transformer.depth)", "num_heads=\(transformer.heads)",
            "mlp_ratio=\(transformer.mlpRatio)",
        ]
        if transformer.pooling == .mean {
            arguments += ["class_token=False", "global_pool='avg'", "fc_norm=False"]
        }
        if transformer.initialisation == .torch {
            arguments.append("norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-05)")
        }
        return "net = timm.models.vision_transformer.VisionTransformer("
            + arguments.joined(separator: ", ") + ")"
    }
}
