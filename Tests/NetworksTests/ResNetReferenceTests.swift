import Buffers
import Networks
import Storage
import Tensors
import Testing

/// Single precision against a double precision reference; Winograd's transforms cost a digit.
private let tolerance: Float = 1e-4

/// Narrow residual networks against torchvision's blocks.
@Suite struct ResNetReferenceTests {
    static let basic = ResNet.Settings(block: .basic, depths: [2, 1], width: 16, stem: .small)
    static let bottleneck = ResNet.Settings(
        block: .bottleneck, depths: [1, 1], width: 16, stem: .standard)

    @Test(arguments: [("resnet_basic", basic), ("resnet_bottleneck", bottleneck)])
    func `features, gradients and statistics agree with torchvision's in training`(
        name: String, settings: ResNet.Settings
    ) throws {
        let fixture = try ReferenceFixture(name)
        var layout = ParameterLayout()
        let net = ResNet(&layout, settings, channels: 3)
        let tape = Tape()
        let pass = ForwardPass(
            layout, parameters: try fixture.flat(layout.parameters, prefix: "param"),
            buffers: try fixture.flat(layout.bufferLayout, prefix: "buffer"), tape: tape,
            isTraining: true)
        let features = net(tape.constant(try fixture.file.tensor("in.images")), pass)
        #expect(features.shape.last == net.featureWidth)
        var worst = try fixture.difference(features.value, "out.features")
        #expect(worst < tolerance)
        let flat = pass.flatGradient(of: [(features, try fixture.file.tensor("in.cotangent"))])
        for (index, entry) in layout.entries.enumerated() {
            let gradient = layout.view(of: flat, index)
            let difference = try fixture.difference(gradient, "grad.\(entry.name)")
            #expect(difference < tolerance, "gradient of \(entry.name)")
            worst = max(worst, difference)
        }
        print("\(name): worst \(worst)")
        // torch: running = 0.9 running + 0.1 (mean or unbiased variance of the batch)
        let before = try fixture.flat(layout.bufferLayout, prefix: "buffer").values
        let moved = zip(before, pass.flatStatistics.values).map { 0.9 * $0 + 0.1 * $1 }
        let expected = try fixture.flat(layout.bufferLayout, prefix: "out.moved")
        #expect(
            relativeDifference(Tensor(moved, shape: expected.shape), expected) < tolerance)
    }

    @Test(arguments: [("resnet_basic", basic), ("resnet_bottleneck", bottleneck)])
    func `features agree with torchvision's in evaluation`(
        name: String, settings: ResNet.Settings
    ) throws {
        let fixture = try ReferenceFixture(name)
        var layout = ParameterLayout()
        let net = ResNet(&layout, settings, channels: 3)
        try fixture.checkEvaluation(net, layout, tolerance: tolerance)
    }
}

@Suite struct ResNetTests {
    @Test(arguments: [
        (ResNet.Settings.resNet18(), 11_176_512, 60, 512),
        (.resNet18(stem: .small), 11_168_832, 60, 512),
        (.resNet50(), 23_508_032, 159, 2_048),
    ])
    func `parameters are as many as torchvision's without its last layer`(
        settings: ResNet.Settings, count: Int, tensors: Int, width: Int
    ) {
        var layout = ParameterLayout()
        let net = ResNet(&layout, settings, channels: 3)
        #expect(layout.parameterCount == count)
        #expect(layout.entries.count == tensors)
        #expect(net.featureWidth == width)
    }

    @Test func `names and first values are torchvision's`() throws {
        var layout = ParameterLayout()
        _ = ResNet(&layout, .resNet50(), channels: 3)
        let names = layout.entries.map(\.name)
        for name in [
            "conv1.weight", "bn1.bias", "layer1.0.conv3.weight", "layer1.0.downsample.0.weight",
            "layer2.0.downsample.1.weight", "layer4.2.bn3.bias",
        ] {
            #expect(names.contains(name))
        }
        #expect(!names.contains("layer1.1.downsample.0.weight"))
        #expect(layout.bufferLayout.index(named: "layer4.2.bn3.running_var") != nil)
        let parameters = layout.initialised(seed: 5)
        let index = try #require(names.firstIndex(of: "layer4.1.conv2.weight"))
        let values = layout.view(of: parameters, index).values
        let deviation = (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count))
            .squareRoot()
        #expect(abs(deviation / (2.0 / (512 * 9)).squareRoot() - 1) < 0.01)
        let norm = try #require(names.firstIndex(of: "layer4.1.bn3.weight"))
        #expect(layout.view(of: parameters, norm).values.allSatisfy { $0 == 1 })
    }

    @Test func `a slice has the same bits every time, and a steady step allocates nothing`() {
        var layout = ParameterLayout()
        let net = ResNet(&layout, ResNetReferenceTests.basic, channels: 3)
        let parameters = layout.initialised(seed: 3)
        let random = CounterRandom(seed: 4, stream: .test)
        let images = random.uniformTensor([5, 3, 10, 13], from: -1, to: 1)
        func gradient(_ tape: Tape) -> Tensor {
            let pass = ForwardPass(
                layout, parameters: parameters, buffers: layout.initialisedBuffers(), tape: tape,
                isTraining: true)
            let y = net(tape.constant(images), pass)
            return pass.flatGradient(of: [(y, Tensor(repeating: 1, shape: y.shape))])
        }
        let first = Tape()
        let expected = gradient(first)
        // Later memory holds what the passes before left there.
        #expect(gradient(Tape(pool: first.pool)).isBitIdentical(to: expected))
        let allocations = first.pool.counts.allocations
        #expect(gradient(Tape(pool: first.pool)).isBitIdentical(to: expected))
        #expect(first.pool.counts.allocations == allocations)
        #expect(gradient(Tape()).isBitIdentical(to: expected))
    }
}
