internal import Buffers
internal import Evaluation
internal import Networks
internal import Optimizers
internal import Tensors

/// Fine-tuning on a worker: forward, cross-entropy of the images' own labels, backward.
struct FineTuningWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// Images `[b, C, H, W]` of a slice and their labels.
    let makeViews: @Sendable (SliceWork) -> (images: Tensor, labels: [Int])
    private let memory: SliceMemory

    init(
        network: EmbeddingNetwork,
        makeViews: @escaping @Sendable (SliceWork) -> (images: Tensor, labels: [Int])
    ) {
        self.network = network
        self.makeViews = makeViews
        memory = SliceMemory(network.layout)
    }

    /// The images, and their labels as a second tensor `[b]`.
    func views(of work: SliceWork) throws -> [Tensor] {
        let (images, labels) = makeViews(work)
        return [images, Tensor(labels.map(Float.init), shape: [labels.count])]
    }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        defer { memory.pool.endPiece() }
        return computed(
            work, images: views[0], labels: views[1].values.map { Int($0) }, version, progress)
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.
    @inline(never)
    private func computed(
        _ work: SliceWork, images: Tensor, labels: [Int], _ version: VersionTensors,
        _ progress: any SliceProgress
    ) -> SliceResult {
        let network = network
        // Nothing parks between forward and backward.
        let pass = SlicePass(memory, version, keepsActivations: true, progress: progress) { pass in
            let logits = network(pass.tape.constant(images), pass).embeddings
            // The slice's part in the step's mean.
            let loss = crossEntropy(logits, targets: labels, divisor: Float(work.stepSamples))
            return [loss, logits]
        }
        let outputs = pass.forward()
        let (loss, logits) = (outputs[0], outputs[1])
        // Of equal logits the first counts.
        let found = predictedClasses(logits.values, classCount: logits.shape[1])
        let hits = zip(found, labels).filter { $0 == $1 }.count
        let backward = pass.backward(from: [Tensor([1], shape: loss.shape)])
        return SliceResult(
            gradient: backward.gradient, statistics: backward.statistics,
            sums: [
                SliceResult.Sum(name: "loss", value: Double(loss.values[0])),
                SliceResult.Sum(
                    name: "accuracy", value: Double(hits) / Double(work.stepSamples)),
            ])
    }
}
