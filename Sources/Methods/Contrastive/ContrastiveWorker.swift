internal import Buffers
internal import Networks
internal import Optimizers
internal import Tensors

/// Instance discrimination on a worker: embeddings of one view an image out, their gradient back
/// (design section 2, points 3 to 5).
struct ContrastiveWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// Images of a slice, `[b, C, H, W]`.
    let makeViews: @Sendable (SliceWork) -> Tensor
    /// What a parked image's activations take, about.
    let activationBytesPerImage: Int
    /// Memory of slices that ended, for slices that begin, on whatever slot.
    let pool = BufferPool(freeBytesMax: .max)
    private let weights: PackedVersion

    init(
        network: EmbeddingNetwork, activationBytesPerImage: Int,
        makeViews: @escaping @Sendable (SliceWork) -> Tensor
    ) {
        self.network = network
        self.activationBytesPerImage = activationBytesPerImage
        self.makeViews = makeViews
        weights = PackedVersion(network.layout)
    }

    func activationBytes(sampleCount: Int) -> Int { sampleCount * activationBytesPerImage }

    func views(of work: SliceWork) throws -> [Tensor] { [makeViews(work)] }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        defer { pool.endPiece() }
        let pass = EmbeddingPass(
            work, images: views[0], network: network, version: version, weights: weights,
            pool: pool, progress: progress)

        // 3. Forward: one view of each image to z [b, D], not normalised.
        let input = pass.forward()

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, input)

        // 5. Backward: from dL/dz to all parameters.
        let backward = try pass.backward(from: answer, terms: 1)
        return SliceResult(
            gradient: backward.gradient, statistics: backward.statistics,
            sums: [
                SliceResult.Sum(
                    name: "loss", value: backward.termSums[0] / Double(work.stepSamples))
            ])
    }
}
