import Foundation
import Networks
import Storage
import Tensors
import Testing

/// Single precision against a double precision reference; the promise is 1e-4.
private let tolerance: Float = 2e-5

/// A fixture of `make_weights.py`: a state dict of timm or torchvision, images and features.
private struct WeightFixture {
    var weights = NamedTensors()
    let images: Tensor
    let features: Tensor

    init(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures").path()
        let state = try SafetensorsFile(contentsOf: "\(folder)/\(name).weights.safetensors")
        for name in state.names where try state.type(name) == .f32 {
            weights.append(name, try state.tensor(name))
        }
        let io = try SafetensorsFile(contentsOf: "\(folder)/\(name).images.safetensors")
        images = try io.tensor("images")
        features = try io.tensor("features")
    }

    /// The weights with some tensors replaced, and those of which nothing is made left out.
    func replacing(_ change: (String, Tensor) -> Tensor?) -> NamedTensors {
        var changed = NamedTensors()
        for entry in weights.entries {
            if let tensor = change(entry.name, entry.tensor) { changed.append(entry.name, tensor) }
        }
        return changed
    }
}

/// The vision transformer of the fixtures.
private func transformer(_ pooling: VisionTransformer.Settings.Pooling) -> EmbeddingNetwork {
    EmbeddingNetwork(
        encoder: .visionTransformer(
            VisionTransformer.Settings(
                patch: 8, width: 24, depth: 2, heads: 3, pooling: pooling, initialisation: .timm)),
        channels: 3, height: 32, width: 32)
}

@Suite struct WeightsTests {
    @Test(
        arguments: [
            ("timm_vit", VisionTransformer.Settings.Pooling.classToken), ("timm_vit_mean", .mean),
        ])
    func `timm's state dict gives timm's features`(
        name: String, pooling: VisionTransformer.Settings.Pooling
    ) throws {
        try compare(transformer(pooling), with: WeightFixture(name))
    }

    @Test(
        arguments: [
            (
                "torchvision_basic",
                ResNet.Settings(block: .basic, depths: [1, 2, 1, 1], width: 4)
            ),
            (
                "torchvision_bottleneck",
                ResNet.Settings(block: .bottleneck, depths: [1, 1, 2, 1], width: 2)
            ),
        ])
    func `torchvision's state dict gives torchvision's features`(
        name: String, settings: ResNet.Settings
    ) throws {
        let network = EmbeddingNetwork(
            encoder: .residualNetwork(settings), channels: 3, height: 48, width: 40)
        try compare(network, with: WeightFixture(name))
    }

    private func compare(_ network: EmbeddingNetwork, with fixture: WeightFixture) throws {
        let (parameters, buffers) = try network.layout.flatWeights(from: fixture.weights)
        let (features, embeddings) = network.embed(
            fixture.images, parameters: parameters, buffers: buffers)
        #expect(relativeDifference(features, fixture.features) < tolerance)
        #expect(embeddings.isBitIdentical(to: features), "without a head")
    }

    @Test func `what was read is written under the same names with the same bits`() throws {
        let (fixture, network) = (try WeightFixture("timm_vit"), transformer(.classToken))
        let (parameters, buffers) = try network.layout.flatWeights(from: fixture.weights)
        let named = network.layout.named(parameters: parameters, buffers: buffers)
        let expected = fixture.weights.entries.filter { !WeightNames.isIgnored($0.name) }
        #expect(named.entries.map(\.name).sorted() == expected.map(\.name).sorted())
        for entry in expected {
            #expect(named[entry.name]?.isBitIdentical(to: entry.tensor) == true, "\(entry.name)")
        }
    }

    @Test func `every fault of a file is reported at once`() throws {
        let fixture = try WeightFixture("timm_vit")
        var changed = fixture.replacing { name, tensor in
            switch name {
            case "norm.bias": nil
            case "pos_embed": Tensor(zeros: [1, 5, 24])
            case "blocks.0.attn.qkv.bias": Tensor(repeating: .nan, shape: tensor.shape)
            default: tensor
            }
        }
        changed.append("blocks.2.norm1.weight", Tensor(zeros: [24]))
        changed.append("cls_token2", Tensor(zeros: [1]))
        let mismatch = try #require(throws: WeightMismatch.self) {
            try transformer(.classToken).layout.flatWeights(from: changed)
        }
        #expect(mismatch.missing == ["norm.bias"])
        #expect(mismatch.unexpected == ["blocks.2.norm1.weight", "cls_token2"])
        #expect(mismatch.misshapen.map(\.name) == ["pos_embed"])
        #expect(mismatch.unsound == ["blocks.0.attn.qkv.bias"])
        let text = "\(mismatch)"
        for words in ["lacks norm.bias", "pos_embed as [1, 5, 24] instead of [1, 17, 24]"] {
            #expect(text.contains(words), "\(text)")
        }
    }

    @Test func `weights with a class token are none of a mean-pooled transformer`() throws {
        let fixture = try WeightFixture("timm_vit")
        let mismatch = try #require(throws: WeightMismatch.self) {
            try transformer(.mean).layout.flatWeights(from: fixture.weights)
        }
        #expect(mismatch.unexpected == ["cls_token"])
        #expect(mismatch.misshapen.map(\.name) == ["pos_embed"])
    }

    @Test func `a running variance below zero is refused`() throws {
        let network = EmbeddingNetwork(
            encoder: .smallConvolutionalNet(), channels: 1, height: 28, width: 28)
        var tensors = network.layout.named(
            parameters: network.layout.initialised(seed: 1),
            buffers: network.layout.initialisedBuffers())
        _ = try network.layout.flatWeights(from: tensors)
        var flat = network.layout.initialisedBuffers()
        let variance = try #require(
            network.layout.bufferLayout.entries.first { $0.name.hasSuffix("running_var") })
        flat = Tensor(
            flat.values.enumerated().map { $0.offset == variance.offset ? -1 : $0.element },
            shape: flat.shape)
        tensors = network.layout.named(
            parameters: network.layout.initialised(seed: 1), buffers: flat)
        let mismatch = try #require(throws: WeightMismatch.self) {
            try network.layout.flatWeights(from: tensors)
        }
        #expect(mismatch.unsound == [variance.name])
    }

    @Test func `an encoder's weights go into a network with a head, which keeps its own`() throws {
        let settings = EncoderSettings.smallConvolutionalNet()
        let network = EmbeddingNetwork(
            settings, channels: 1, height: 28, width: 28, embeddingWidth: 5)
        let encoder = network.encoderLayout.parameters
        let drawn = network.layout.initialised(seed: 1)
        let other = network.encoderLayout.initialised(seed: 2)
        let mixed = network.layout.parameters.replacing(encoder, by: other, in: drawn)
        for (index, entry) in network.layout.entries.enumerated() {
            let expected =
                encoder.index(named: entry.name).map { encoder.view(of: other, $0) }
                ?? network.layout.view(of: drawn, index)
            let found = network.layout.view(of: mixed, index)
            #expect(found.isBitIdentical(to: expected), "\(entry.name)")
        }
        #expect(network.layout.entries.count == encoder.entries.count + 1)
    }

    @Test(arguments: KnownEncoder.allCases)
    func `the encoders that others make have their sizes`(known: KnownEncoder) {
        // timm 1.0 with num_classes=0, torchvision 0.29 without fc
        let counts: [KnownEncoder: Int] = [
            .vitTiny: 5_524_416, .vitSmall: 21_665_664, .vitBase: 85_798_656,
            .resNet18: 11_176_512, .resNet50: 23_508_032,
        ]
        #expect(known.network.layout.parameterCount == counts[known])
    }

    @Test func `names of batch counts follow those of running variances`() {
        #expect(
            WeightNames.batchCount(besides: "layer1.0.bn1.running_var")
                == "layer1.0.bn1.num_batches_tracked")
        #expect(WeightNames.batchCount(besides: "layer1.0.bn1.running_mean") == nil)
        #expect(WeightNames.isIgnored("bn1.num_batches_tracked"))
        #expect(WeightNames.isIgnored("fc.weight") && WeightNames.isIgnored("head.bias"))
        #expect(!WeightNames.isIgnored("fc_norm.weight") && !WeightNames.isIgnored("headroom"))
    }
}
