internal import Buffers
internal import Networks
internal import Optimizers
internal import Tensors

/// One slice's way through an embedding network and back, for methods whose loss is computed at the
/// coordinator: images to embeddings z, dL/dz to the gradient by all parameters.
final class EmbeddingPass {
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

    /// What a slice's backward pass gives.
    struct Backward {
        /// By all parameters, flat.
        var gradient: Tensor
        /// The slice's batch-norm statistics, flat.
        var statistics: Tensor
        /// The terms of each sample's loss, `[b, terms]`.
        var losses: Tensor

        /// Of each term the sum over the slice's samples, in their order.
        var termSums: [Double] {
            let terms = losses.shape[1]
            var sums = [Double](repeating: 0, count: terms)
            for (index, value) in losses.values.enumerated() {
                sums[index % terms] += Double(value)
            }
            return sums
        }
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
        return EmbeddingExchange.input(forward.embeddings.value)
    }

    /// The way back; activations that were dropped are made again, with the same bits.
    ///
    /// - Parameter terms: of a sample's loss, in the answer.
    @inline(never)
    func backward(from answer: NamedTensors, terms: Int) throws -> Backward {
        let forward = kept.take() ?? computeForward()
        let (dz, losses) = try EmbeddingExchange.values(
            of: answer, embeddings: forward.embeddings.shape, terms: terms)
        progress.beginBackward()
        let statistics = forward.pass.flatStatistics
        let gradient = forward.pass.flatGradient(of: [(forward.embeddings, dz)])
        return Backward(gradient: gradient, statistics: statistics, losses: losses)
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
}
