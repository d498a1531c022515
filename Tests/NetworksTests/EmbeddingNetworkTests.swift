import Buffers
import Networks
import Tensors
import Testing

@Suite struct EmbeddingNetworkTests {
    private static let encoders: [EncoderSettings] = [
        .visionTransformer(.init(patch: 14, width: 16, depth: 1, heads: 2)),
        .visionTransformer(
            .init(
                patch: 14, width: 16, depth: 1, heads: 2, pooling: .classToken,
                initialisation: .timm)),
        .smallConvolutionalNet(),
    ]

    private func images(_ count: Int) -> Tensor {
        CounterRandom(seed: 5, stream: .test).normalTensor([count, 1, 28, 28])
    }

    @Test(arguments: encoders)
    func `two passes give the same bits in outputs and gradients`(
        settings: EncoderSettings
    ) {
        let net = EmbeddingNetwork(
            settings, channels: 1, height: 28, width: 28, embeddingWidth: 8)
        func pass() -> (Tensor, Tensor, Tensor) {
            let tape = Tape()
            let pass = ForwardPass(
                net.layout, parameters: net.layout.initialised(seed: 1),
                buffers: net.layout.initialisedBuffers(), tape: tape, isTraining: true)
            let z = net(tape.constant(images(4)), pass).embeddings
            let cotangent = Tensor(repeating: 0.5, shape: z.shape)
            return (z.value, pass.flatGradient(of: [(z, cotangent)]), pass.flatStatistics)
        }
        let (first, second) = (pass(), pass())
        #expect(first.0.isBitIdentical(to: second.0))
        #expect(first.1.isBitIdentical(to: second.1))
        #expect(first.2.isBitIdentical(to: second.2))
        #expect(first.0.shape == [4, 8] && first.1.shape == [net.layout.flatCount])
    }

    @Test(arguments: encoders)
    func `the gradient of the flat parameters is the slope of the loss`(
        settings: EncoderSettings
    ) {
        let net = EmbeddingNetwork(
            settings, channels: 1, height: 28, width: 28, embeddingWidth: 8)
        expectGradientIsSlope(of: net)
    }

    /// Compares gradient and slope of a loss along the gradient by the flat parameters.
    private func expectGradientIsSlope(of net: EmbeddingNetwork) {
        let parameters = net.layout.initialised(seed: 2)
        func loss(at parameters: Tensor) -> (value: Double, gradient: Tensor) {
            let tape = Tape()
            let pass = ForwardPass(
                net.layout, parameters: parameters, buffers: net.layout.initialisedBuffers(),
                tape: tape, isTraining: true)
            let z = net(tape.constant(images(3)), pass).embeddings
            let cotangent = CounterRandom(seed: 7, stream: .test).normalTensor(z.shape)
            let value = zip(z.value.values, cotangent.values).reduce(0.0) {
                $0 + Double($1.0) * Double($1.1)
            }
            return (value, pass.flatGradient(of: [(z, cotangent)]))
        }
        // Along the gradient itself, over a way of 0.004, beside which rounding is small.
        let gradient = loss(at: parameters).gradient
        let length = gradient.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let way = gradient.scaled(by: 0.002 / length)
        let rise =
            loss(at: parameters.adding(way)).value
            - loss(at: parameters.adding(way.scaled(by: -1))).value
        #expect(abs(rise / Double(0.004 * length) - 1) < 1e-2)
    }

    @Test(arguments: encoders)
    func `in evaluation an image's embedding does not depend on its batch`(
        settings: EncoderSettings
    ) {
        let net = EmbeddingNetwork(
            settings, channels: 1, height: 28, width: 28, embeddingWidth: 8)
        let (parameters, buffers) = (
            net.layout.initialised(seed: 1), net.layout.initialisedBuffers()
        )
        let all = net.embed(images(6), parameters: parameters, buffers: buffers)
        let two = net.embed(
            images(6).rows(2..<4), parameters: parameters, buffers: buffers)
        #expect(all.features.shape == [6, net.featureWidth])
        for (x, y) in zip(all.embeddings.rows(2..<4).values, two.embeddings.values) {
            #expect(abs(x - y) < 1e-5)
        }
    }

    /// A network whose head has a hidden layer.
    private let deep = EmbeddingNetwork(
        encoders[0], channels: 1, height: 28, width: 28, embeddingWidth: 8,
        head: HeadSettings(.perceptron(hidden: 24)))

    @Test func `a head of two layers has torch's names, and a ReLU between`() throws {
        #expect(
            deep.layout.entries.suffix(4).map(\.name)
                == ["head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias"])
        #expect(deep.layout.entries.suffix(4).map(\.shape) == [[24, 16], [24], [8, 24], [8]])
        let (parameters, buffers) = (
            CounterRandom(seed: 3, stream: .test).normalTensor([deep.layout.flatCount]),
            deep.layout.initialisedBuffers()
        )
        let (features, z) = deep.embed(images(3), parameters: parameters, buffers: buffers)
        func tensor(_ name: String) throws -> [Double] {
            let index = try #require(deep.layout.parameters.index(named: name))
            return deep.layout.view(of: parameters, index).values.map(Double.init)
        }
        let (first, firstBias) = (try tensor("head.0.weight"), try tensor("head.0.bias"))
        let (second, secondBias) = (try tensor("head.2.weight"), try tensor("head.2.bias"))
        for row in 0..<3 {
            let x = features.values[(16 * row)..<(16 * row + 16)].map(Double.init)
            let hidden = (0..<24).map { unit in
                max(0, (0..<16).reduce(firstBias[unit]) { $0 + x[$1] * first[16 * unit + $1] })
            }
            for unit in 0..<8 {
                let wanted = (0..<24).reduce(secondBias[unit]) {
                    $0 + hidden[$1] * second[24 * unit + $1]
                }
                #expect(abs(Double(z.values[8 * row + unit]) - wanted) < 1e-3 * (1 + abs(wanted)))
            }
        }
    }

    @Test func `the gradient goes through a head of two layers`() {
        expectGradientIsSlope(of: deep)
    }

    @Test func `a second pass from the same pool allocates nothing`() {
        let net = EmbeddingNetwork(
            Self.encoders[0], channels: 1, height: 28, width: 28, embeddingWidth: 8)
        let parameters = net.layout.initialised(seed: 1)
        let input = images(4)
        func run(_ tape: Tape) {
            let pass = ForwardPass(
                net.layout, parameters: parameters, buffers: net.layout.initialisedBuffers(),
                tape: tape, isTraining: true)
            let z = net(tape.constant(input), pass).embeddings
            _ = pass.flatGradient(of: [(z, Tensor(repeating: 1, shape: z.shape))])
        }
        let first = Tape()
        run(first)
        let allocations = first.pool.counts.allocations
        run(Tape(pool: first.pool))
        #expect(first.pool.counts.allocations == allocations)
    }
}
