import Buffers
import Networks
import Tensors
import Testing

@Suite struct PackedVersionTests {
    private static let network = EmbeddingNetwork(
        .visionTransformer(
            VisionTransformer.Settings(
                patch: 4, width: 24, depth: 2, heads: 3, pooling: .classToken,
                initialisation: .timm)),
        channels: 1, height: 12, width: 12, embeddingWidth: 10)

    @Test func `weights packed ahead give the bits of weights packed on the way`() {
        let parameters = Self.network.layout.initialised(seed: 3)
        let packed = PackedVersion(Self.network.layout).packed(parameters)
        let ahead = Self.gradient(parameters, packed: packed)
        #expect(ahead.isBitIdentical(to: Self.gradient(parameters, packed: nil)))
        #expect(ahead.isFinite)
    }

    @Test func `another version is packed anew and the first again when it comes back`() {
        let version = PackedVersion(Self.network.layout)
        let (first, second) = (
            Self.network.layout.initialised(seed: 3), Self.network.layout.initialised(seed: 4)
        )
        let wanted = [first, second].map { Self.gradient($0, packed: nil) }
        for (parameters, gradient) in [(first, wanted[0]), (second, wanted[1]), (first, wanted[0])]
        {
            let packed = version.packed(parameters)
            #expect(Self.gradient(parameters, packed: packed).isBitIdentical(to: gradient))
        }
    }

    @Test func `a steady step with packed weights allocates nothing`() {
        let parameters = Self.network.layout.initialised(seed: 3)
        let packed = PackedVersion(Self.network.layout).packed(parameters)
        let pool = BufferPool()
        let first = Self.gradient(parameters, packed: packed, pool: pool)
        _ = Self.gradient(parameters, packed: packed, pool: pool)
        let warm = pool.counts
        for _ in 0..<3 {
            #expect(
                Self.gradient(parameters, packed: packed, pool: pool).isBitIdentical(to: first))
        }
        #expect(pool.counts.allocations == warm.allocations)
        #expect(pool.counts.requests > warm.requests)
    }

    /// The gradient of the sum of squared embeddings of five images.
    @inline(never)
    private static func gradient(
        _ parameters: Tensor, packed: PackedParameters?, pool: BufferPool = BufferPool()
    ) -> Tensor {
        let tape = Tape(pool: pool)
        let images = CounterRandom(seed: 1, stream: .test).normalTensor([5, 1, 12, 12])
        let pass = ForwardPass(
            network.layout, parameters: parameters, buffers: network.layout.initialisedBuffers(),
            packed: packed, tape: tape, isTraining: true)
        let (_, z) = network(tape.constant(images), pass)
        return pass.flatGradient(of: [(z, z.value)])
    }
}
