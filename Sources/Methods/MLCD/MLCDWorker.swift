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
        let pass = MLCDPass(
            work, images: views[0], network: network, version: version, weights: weights,
            pool: pool, progress: progress)

        // 3. Forward: images to features to z [b, D].
        let input = pass.forward()

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, input)

        // 5. Backward: from dL/dz to all parameters.
        return try pass.backward(from: answer)
    }
}

/// One slice's way through the network and back.
private final class MLCDPass {
    private let work: SliceWork
    private let images: Tensor
    private let network: EmbeddingNetwork
    private let version: VersionTensors
    private let weights: PackedVersion
    private let pool: BufferPool
    private let progress: any SliceProgress
    private var kept: Forward?

    private struct Forward {
        var pass: ForwardPass
        var embeddings: Variable
    }

    init(
        _ work: SliceWork, images: Tensor, network: EmbeddingNetwork, version: VersionTensors,
        weights: PackedVersion, pool: BufferPool, progress: any SliceProgress
    ) {
        self.work = work
        self.images = images
        self.network = network
        self.version = version
        self.weights = weights
        self.pool = pool
        self.progress = progress
    }

    // Not inlined into the asynchronous caller: Swift 6.3 then puts temporaries of the forward pass
    // on the task's stack and frees them in another order than it took them.

    /// The embeddings to send; activations are kept if they may be.
    @inline(never)
    func forward() -> NamedTensors {
        let forward = computeForward()
        if work.keepsActivations { kept = forward }
        return NamedTensors(["z": forward.embeddings.value])
    }

    /// The slice's result; activations that were dropped are made again, with the same bits.
    @inline(never)
    func backward(from answer: NamedTensors) throws -> SliceResult {
        let count = work.samples.count
        let forward = kept.take() ?? computeForward()
        let dz = try answer.required("dz", shape: forward.embeddings.shape)
        let losses = try answer.required("losses", shape: [count, 2])
        progress.beginBackward()
        let statistics = forward.pass.flatStatistics
        let gradient = forward.pass.flatGradient(of: [(forward.embeddings, dz)])
        return SliceResult(
            gradient: gradient, statistics: statistics, sums: sums(of: losses))
    }

    private func computeForward() -> Forward {
        let tape = Tape(pool: pool)
        tape.progress = { [progress] in progress.tick() }
        let pass = ForwardPass(
            network.layout, parameters: version.parameters, buffers: version.buffers,
            packed: weights.packed(version.parameters), tape: tape, isTraining: true)
        let (_, embeddings) = network(tape.constant(images), pass)
        return Forward(pass: pass, embeddings: embeddings)
    }

    /// The slice's part in the step's mean loss and its terms, summed in sample order.
    private func sums(of losses: Tensor) -> [SliceResult.Sum] {
        var (positive, negative) = (0.0, 0.0)
        let values = losses.span
        for sample in 0..<(values.count / 2) {
            positive += Double(values[2 * sample])
            negative += Double(values[2 * sample + 1])
        }
        let divisor = Double(work.stepSamples)
        return [
            SliceResult.Sum(name: "loss", value: (positive + negative) / divisor),
            SliceResult.Sum(name: "loss.positive", value: positive / divisor),
            SliceResult.Sum(name: "loss.negative", value: negative / divisor),
        ]
    }
}

extension NamedTensors {
    /// The tensor of that name and shape in an answer.
    func required(_ name: String, shape: Shape) throws(MLCDError) -> Tensor {
        guard let tensor = self[name] else { throw .missingAnswer(name) }
        guard tensor.shape == shape else {
            throw .wrongAnswer(name: name, found: tensor.shape.dims, wanted: shape.dims)
        }
        return tensor
    }
}
