internal import Buffers
internal import Networks
internal import Optimizers
internal import Tensors

/// MLCD on a worker: embeddings out, their gradient back (design section 2, points 3 to 5).
struct MLCDWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// Images of a slice, `[b, C, H, W]`.
    let makeViews: @Sendable (SliceWork) -> Tensor
    /// What a parked image's activations take, about.
    let activationBytesPerImage: Int
    /// Memory of slices that ended, for slices that begin, on whatever slot.
    ///
    /// A steady step allocates nothing: it keeps what slices used lately, however much that is.
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

        // 3. Forward: images to features to z [b, D].
        let input = pass.forward()

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, input)

        // 5. Backward: from dL/dz to all parameters.
        return result(try pass.backward(from: answer, terms: 2), of: work)
    }

    /// Gradient, statistics, and the slice's part in the step's mean loss and its terms.
    private func result(_ pass: EmbeddingPass.Backward, of work: SliceWork) -> SliceResult {
        let sums = pass.termSums
        let (positive, negative) = (sums[0], sums[1])
        let divisor = Double(work.stepSamples)
        return SliceResult(
            gradient: pass.gradient, statistics: pass.statistics,
            sums: [
                SliceResult.Sum(name: "loss", value: (positive + negative) / divisor),
                SliceResult.Sum(name: "loss.positive", value: positive / divisor),
                SliceResult.Sum(name: "loss.negative", value: negative / divisor),
            ])
    }
}
