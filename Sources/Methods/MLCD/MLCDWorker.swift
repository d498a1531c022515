internal import Buffers
internal import Networks
internal import Optimizers
internal import Synchronization
internal import Tensors

/// MLCD on a worker: embeddings out, their gradient back (design section 2, points 3 to 5).
struct MLCDWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// Images of a slice, `[b, C, H, W]`.
    let makeViews: @Sendable (SliceWork) -> Tensor
    private let pools = PoolShelf()

    init(network: EmbeddingNetwork, makeViews: @escaping @Sendable (SliceWork) -> Tensor) {
        self.network = network
        self.makeViews = makeViews
    }

    func views(of work: SliceWork) throws -> [Tensor] { [makeViews(work)] }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        let pool = pools.take()
        defer { pools.give(pool) }

        // 3. Forward: images to features to z [b, D].
        var kept: Forward? = forward(views[0], version, pool, progress)
        let z = kept?.embeddings.value ?? Tensor(zeros: [0])
        if !work.keepsActivations { kept = nil }

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, NamedTensors(["z": z]))
        let dz = try answer.required("dz", shape: z.shape)
        let losses = try answer.required("losses", shape: [work.samples.count, 2])

        // 5. Backward: from dL/dz to all parameters. Activations that were dropped are made again.
        let pass = kept.take() ?? forward(views[0], version, pool, progress)
        progress.beginBackward()
        let statistics = pass.pass.flatStatistics
        let gradient = pass.pass.flatGradient(of: [(pass.embeddings, dz)])
        return SliceResult(
            gradient: gradient, statistics: statistics,
            sums: sums(of: losses, stepSamples: work.stepSamples))
    }

    private struct Forward {
        var pass: ForwardPass
        var embeddings: Variable
    }

    private func forward(
        _ images: Tensor, _ version: VersionTensors, _ pool: BufferPool,
        _ progress: any SliceProgress
    ) -> Forward {
        let tape = Tape(pool: pool)
        tape.progress = { progress.tick() }
        let pass = ForwardPass(
            network.layout, parameters: version.parameters, buffers: version.buffers, tape: tape,
            isTraining: true)
        let (_, embeddings) = network(tape.constant(images), pass)
        return Forward(pass: pass, embeddings: embeddings)
    }

    /// The slice's part in the step's mean loss and its terms, summed in sample order.
    private func sums(of losses: Tensor, stepSamples: Int) -> [SliceResult.Sum] {
        var (positive, negative) = (0.0, 0.0)
        let values = losses.span
        for sample in 0..<(values.count / 2) {
            positive += Double(values[2 * sample])
            negative += Double(values[2 * sample + 1])
        }
        let divisor = Double(stepSamples)
        return [
            SliceResult.Sum(name: "loss", value: (positive + negative) / divisor),
            SliceResult.Sum(name: "loss.positive", value: positive / divisor),
            SliceResult.Sum(name: "loss.negative", value: negative / divisor),
        ]
    }
}

/// Memory of slices that ended, for slices that begin: a steady step allocates nothing.
///
/// There are as many pools as slices were ever under way at a time, parked ones included.
private final class PoolShelf: Sendable {
    private let pools = Mutex<[BufferPool]>([])

    func take() -> BufferPool { pools.withLock { $0.popLast() } ?? BufferPool() }

    func give(_ pool: BufferPool) { pools.withLock { $0.append(pool) } }
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
