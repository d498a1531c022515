internal import Buffers
internal import Networks
internal import Optimizers
internal import Tensors

/// Fine-tuning on a worker: forward, cross-entropy of the images' own labels, backward.
struct FineTuningWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// Images `[b, C, H, W]` of a slice and their labels.
    let makeViews: @Sendable (SliceWork) -> (images: Tensor, labels: [Int])
    /// Memory of slices that ended, for slices that begin.
    let pool = BufferPool(freeBytesMax: .max)
    private let weights: PackedVersion

    init(
        network: EmbeddingNetwork,
        makeViews: @escaping @Sendable (SliceWork) -> (images: Tensor, labels: [Int])
    ) {
        self.network = network
        self.makeViews = makeViews
        weights = PackedVersion(network.layout)
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
        defer { pool.endPiece() }
        return computed(
            work, images: views[0], labels: views[1].values.map { Int($0) }, version, progress)
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.
    @inline(never)
    private func computed(
        _ work: SliceWork, images: Tensor, labels: [Int], _ version: VersionTensors,
        _ progress: any SliceProgress
    ) -> SliceResult {
        let tape = Tape(pool: pool)
        tape.progress = { progress.tick() }
        let pass = ForwardPass(
            network.layout, parameters: version.parameters, buffers: version.buffers,
            packed: weights.packed(version.parameters), tape: tape, isTraining: true)
        let (_, logits) = network(tape.constant(images), pass)
        // The slice's part in the step's mean.
        let loss = crossEntropy(logits, targets: labels, divisor: Float(work.stepSamples))
        let value = Double(loss.value.values[0])
        let hits = hits(logits.value, labels)
        progress.beginBackward()
        let statistics = pass.flatStatistics
        let one = Tensor([1], shape: loss.shape)
        return SliceResult(
            gradient: pass.flatGradient(of: [(loss, one)]), statistics: statistics,
            sums: [
                SliceResult.Sum(name: "loss", value: value),
                SliceResult.Sum(
                    name: "accuracy", value: Double(hits) / Double(work.stepSamples)),
            ])
    }

    /// Samples whose own logit is the greatest; of equal ones the first counts.
    private func hits(_ logits: Tensor, _ labels: [Int]) -> Int {
        let classes = logits.shape[1]
        let values = logits.span
        var hits = 0
        for (row, label) in labels.enumerated() {
            var best = 0
            for column in 1..<classes
            where values[row * classes + column] > values[row * classes + best] { best = column }
            if best == label { hits += 1 }
        }
        return hits
    }
}
