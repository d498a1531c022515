import Networks
import Storage
import Tensors
import Testing

/// Single precision against a double precision reference: errors of some 1e-6 are expected.
private let tolerance: Float = 2e-5

/// Whole networks against timm and torch.
@Suite struct NetworkReferenceTests {
    @Test(
        arguments: [
            ("vit_class_token", VisionTransformer.Settings.Pooling.classToken),
            ("vit_mean", .mean),
        ])
    func `a small vision transformer agrees with timm's in output and gradients`(
        name: String, pooling: VisionTransformer.Settings.Pooling
    ) throws {
        var layout = ParameterLayout()
        let settings = VisionTransformer.Settings(
            patch: 4, width: 24, depth: 2, heads: 3, mlpRatio: 2, pooling: pooling,
            initialisation: .timm)
        let net = VisionTransformer(&layout, settings, channels: 3, height: 8, width: 12)
        try compare(net, layout, with: ReferenceFixture(name))
    }

    @Test func `the reference run's transformer of torch's encoder layers gives the same`() throws {
        var layout = ParameterLayout()
        let settings = VisionTransformer.Settings(patch: 14, width: 16, depth: 2, heads: 4)
        let net = VisionTransformer(&layout, settings, channels: 1, height: 28, width: 28)
        try compare(net, layout, with: ReferenceFixture("vit_torch"))
    }

    @Test func `a convolutional net agrees with torch's in training`() throws {
        var layout = ParameterLayout()
        let net = SmallConvolutionalNet(&layout, channels: 2, widths: [4, 6, 8])
        let fixture = try ReferenceFixture("convolutional_net")
        let statistics = try compare(net, layout, with: fixture)
        // torch: running = 0.9 running + 0.1 (mean or unbiased variance of the batch)
        let before = try fixture.flat(layout.bufferLayout, prefix: "buffer").values
        let moved = Tensor(
            zip(before, statistics.values).map { 0.9 * $0 + 0.1 * $1 },
            shape: [layout.bufferLayout.flatCount])
        let expected = try fixture.flat(layout.bufferLayout, prefix: "out.moved")
        #expect(relativeDifference(moved, expected) < tolerance)
    }

    @Test func `a convolutional net agrees with torch's in evaluation`() throws {
        var layout = ParameterLayout()
        let net = SmallConvolutionalNet(&layout, channels: 2, widths: [4, 6, 8])
        let fixture = try ReferenceFixture("convolutional_net")
        try fixture.checkEvaluation(net, layout, tolerance: tolerance)
    }

    /// Compares features and all gradients; returns the flat batch-norm statistics.
    @discardableResult
    private func compare(
        _ net: any Encoder, _ layout: ParameterLayout, with fixture: ReferenceFixture
    ) throws -> Tensor {
        let tape = Tape()
        let buffers =
            layout.bufferLayout.entries.isEmpty
            ? layout.initialisedBuffers()
            : try fixture.flat(layout.bufferLayout, prefix: "buffer")
        let pass = ForwardPass(
            layout, parameters: try fixture.flat(layout.parameters, prefix: "param"),
            buffers: buffers, tape: tape, isTraining: true)
        let features = net(tape.constant(try fixture.file.tensor("in.images")), pass)
        #expect(features.shape.last == net.featureWidth)
        #expect(try fixture.difference(features.value, "out.features") < tolerance)
        let flat = pass.flatGradient(of: [(features, try fixture.file.tensor("in.cotangent"))])
        for (index, entry) in layout.entries.enumerated() {
            let gradient = layout.view(of: flat, index)
            let difference = try fixture.difference(gradient, "grad.\(entry.name)")
            #expect(difference < tolerance, "gradient of \(entry.name)")
        }
        return pass.flatStatistics
    }
}

/// Single layers against timm and torch.
@Suite struct LayerReferenceTests {
    @Test func `attention agrees with timm's and with torch's packed attention`() throws {
        var layout = ParameterLayout()
        let layer = Attention(
            &layout, name: "x", width: 12, heads: 3, initialisation: .torch)
        try compare("layer_attention", layout) { layer($0, $1) }
    }

    @Test func `the two-layer perceptron agrees with timm's`() throws {
        var layout = ParameterLayout()
        let layer = MLP(&layout, name: "x", width: 12, hidden: 20, initialisation: .torch)
        try compare("layer_mlp", layout) { layer($0, $1) }
    }

    @Test func `layer norm agrees with torch's`() throws {
        var layout = ParameterLayout()
        let layer = LayerNorm(&layout, name: "x", width: 12, epsilon: 1e-5)
        try compare("layer_layer_norm", layout) { layer($0, $1) }
    }

    private func compare(
        _ name: String, _ layout: ParameterLayout,
        _ layer: (Variable, ForwardPass) -> Variable
    ) throws {
        let fixture = try ReferenceFixture(name)
        let parameters = layout.parameters.gathered(
            try layout.entries.map { try fixture.file.tensor("param." + $0.name.dropFirst(2)) })
        let tape = Tape()
        let pass = ForwardPass(
            layout, parameters: parameters, buffers: layout.initialisedBuffers(), tape: tape,
            isTraining: true)
        let x = tape.leaf(try fixture.file.tensor("in.images"))
        let y = layer(x, pass)
        #expect(try fixture.difference(y.value, "out.features") < tolerance)
        let inputs = [x] + layout.entries.indices.map { pass.variable($0) }
        let gradients = tape.gradients(
            of: [(y, try fixture.file.tensor("in.cotangent"))], for: inputs)
        #expect(try fixture.difference(gradients[0], "grad.images") < tolerance)
        for (entry, gradient) in zip(layout.entries, gradients.dropFirst()) {
            let difference = try fixture.difference(gradient, "grad." + entry.name.dropFirst(2))
            #expect(difference < tolerance, "gradient of \(entry.name)")
        }
    }
}
