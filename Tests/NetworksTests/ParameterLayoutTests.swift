import Networks
import Tensors
import Testing

/// "vit7" of the reference run with its head.
private let vit7 = EmbeddingNetwork(
    .visionTransformer(.init()), channels: 1, height: 28, width: 28, embeddingWidth: 128)

@Suite struct ParameterLayoutTests {
    @Test func `parameters carry timm's names in timm's order`() {
        let names = vit7.layout.entries.map(\.name)
        #expect(
            names.prefix(16) == [
                "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias",
                "blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.attn.qkv.weight",
                "blocks.0.attn.qkv.bias", "blocks.0.attn.proj.weight", "blocks.0.attn.proj.bias",
                "blocks.0.norm2.weight", "blocks.0.norm2.bias", "blocks.0.mlp.fc1.weight",
                "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc2.weight", "blocks.0.mlp.fc2.bias",
                "blocks.1.norm1.weight",
            ])
        #expect(names.suffix(3) == ["norm.weight", "norm.bias", "head.weight"])
    }

    @Test func `the reference run's transformer has as many parameters as in torch`() {
        // sum(p.numel()) of ViT(7, 64, 3, 4) and of Linear(64, 128, bias=False) in the peer
        #expect(vit7.layout.parameterCount == 154_304 + 8_192)
    }

    @Test func `every parameter begins at a cache line and none overlap`() {
        var end = 0
        for entry in vit7.layout.entries {
            #expect(entry.offset % 16 == 0 && entry.offset >= end)
            end = entry.range.upperBound
        }
        #expect(vit7.layout.flatCount >= end && vit7.layout.flatCount % 16 == 0)
    }

    @Test func `a view of the flat tensor is what was gathered`() {
        var layout = ParameterLayout()
        let a = layout.parameter("a", [3], .bias, .ones)
        let b = layout.parameter("b", [2, 5], .weight, .zeros)
        let values = Tensor((0..<10).map { Float($0) }, shape: [2, 5])
        let flat = layout.parameters.gathered([nil, values])
        #expect(flat.shape == [32])
        #expect(layout.view(of: flat, b).isBitIdentical(to: values))
        #expect(layout.view(of: flat, a).values == [0, 0, 0])
        #expect(layout.offset(of: b) == 16 && layout.parameters.index(named: "b") == b)
    }

    @Test func `roles tell what weight decay may leave alone`() {
        var layout = ParameterLayout()
        _ = layout.parameter("w", [16], .weight, .ones)
        _ = layout.parameter("b", [3], .bias, .ones)
        _ = layout.parameter("e", [16], .embedding, .ones)
        _ = layout.parameter("n", [5], .norm, .ones)
        #expect(layout.normsAndBiases == [16..<19, 48..<53])
    }
}

@Suite struct InitialiserTests {
    @Test func `the same seed gives the same bits, another seed others`() {
        let first = vit7.layout.initialised(seed: 3)
        #expect(first.isBitIdentical(to: vit7.layout.initialised(seed: 3)))
        #expect(!first.isBitIdentical(to: vit7.layout.initialised(seed: 4)))
    }

    private static let torchBounds: [(String, Float)] = [
        ("patch_embed.proj.weight", 1 / 7), ("patch_embed.proj.bias", 1 / 7),
        ("blocks.0.attn.qkv.weight", 0.15309311), ("blocks.0.attn.proj.weight", 0.125),
        ("blocks.2.mlp.fc1.weight", 0.125), ("blocks.2.mlp.fc1.bias", 0.125),
        ("blocks.2.mlp.fc2.weight", 0.0625), ("head.weight", 0.125),
    ]

    @Test(arguments: torchBounds)
    func `torch's defaults are uniform within their bound`(name: String, bound: Float) throws {
        // deviation of a uniform number within b is b / sqrt(3)
        let values = try initialValues(vit7, name)
        #expect(values.allSatisfy { abs($0) <= bound * 1.000001 })
        let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
        let expected = bound / Float(3).squareRoot()
        #expect(abs(deviation / expected - 1) < 4 / Float(values.count).squareRoot())
    }

    @Test(arguments: ["blocks.1.norm2.weight", "norm.weight"])
    func `norms begin with weight one`(name: String) throws {
        #expect(try initialValues(vit7, name).allSatisfy { $0 == 1 })
    }

    @Test(arguments: ["blocks.1.norm1.bias", "blocks.0.attn.qkv.bias", "blocks.0.attn.proj.bias"])
    func `biases of norms and of torch's attention begin at zero`(name: String) throws {
        #expect(try initialValues(vit7, name).allSatisfy { $0 == 0 })
    }

    @Test func `timm's weights and positions are normal of deviation 0.02`() throws {
        let net = EmbeddingNetwork(
            .visionTransformer(.init(pooling: .classToken, initialisation: .timm)), channels: 1,
            height: 28, width: 28, embeddingWidth: 8)
        for name in ["blocks.0.attn.qkv.weight", "blocks.1.mlp.fc2.weight", "pos_embed"] {
            let values = try initialValues(net, name)
            let square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
            #expect(abs(square.squareRoot() / 0.02 - 1) < 0.1, "\(name)")
        }
        #expect(try initialValues(net, "blocks.0.mlp.fc1.bias").allSatisfy { $0 == 0 })
        #expect(try initialValues(net, "cls_token").allSatisfy { abs($0) < 1e-5 })
    }

    @Test func `convolutions of the authors of instance discrimination, and their head`() throws {
        let net = EmbeddingNetwork(
            .smallConvolutionalNet(widths: [16, 32, 64], firstWeights: .kaiming), channels: 1,
            height: 28, width: 28, embeddingWidth: 32,
            head: HeadSettings(.linear(hasBias: true), firstWeights: .xavier))
        // Twice the inverse of 9 outputs, and of inputs plus outputs.
        let inverses: [(name: String, inverse: Float)] = [
            ("features.0.weight", 72), ("features.3.weight", 144), ("features.6.weight", 288),
            ("head.weight", 48),
        ]
        for (name, inverse) in inverses {
            let values = try initialValues(net, name)
            let square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
            let error = abs(square * inverse - 1)
            #expect(error < 6 / Float(values.count).squareRoot(), "\(name)")
        }
        let bound = (6 / Float(96)).squareRoot()
        #expect(try initialValues(net, "head.weight").allSatisfy { abs($0) <= bound })
        #expect(try initialValues(net, "head.bias").allSatisfy { $0 == 0 })
        let usual = EmbeddingNetwork(
            .smallConvolutionalNet(widths: [16, 32, 64]), channels: 1, height: 28, width: 28,
            embeddingWidth: 32)
        #expect(try initialValues(usual, "features.3.weight").allSatisfy { abs($0) <= 1.0 / 12 })
    }

    @Test func `buffers of a batch norm begin at mean zero and variance one`() {
        let net = EmbeddingNetwork(
            .smallConvolutionalNet(), channels: 1, height: 28, width: 28, embeddingWidth: 8)
        let layout = net.layout.bufferLayout
        let flat = net.layout.initialisedBuffers()
        #expect(
            layout.entries.map(\.name).prefix(2)
                == ["features.1.running_mean", "features.1.running_var"])
        #expect(layout.view(of: flat, 0).values.allSatisfy { $0 == 0 })
        #expect(layout.view(of: flat, 1).values.allSatisfy { $0 == 1 })
    }

    private func initialValues(_ net: EmbeddingNetwork, _ name: String) throws -> [Float] {
        let index = try #require(net.layout.parameters.index(named: name))
        return net.layout.view(of: net.layout.initialised(seed: 1), index).values
    }
}
