internal import Datasets
internal import Evaluation
internal import Objectives
internal import Optimizers
internal import Storage
internal import Tables
internal import Tensors

/// Momentum contrast at the coordinator: the queue of keys, losses, and the queue's update (He et
/// al., "Momentum Contrast", CVPR 2020; sheet contrastive, section 2, alternatives).
///
/// The key encoder is the version's averages, which have moved before keys are computed: those of
/// step 0 are the parameters themselves, as MoCo's are after its first move.
final class ContrastiveQueue: CoordinatorMethod {
    private let settings: ContrastiveSettings
    private let dataset: ImageDataset
    private(set) var queue: FeatureQueue
    private var step: OpenStep?

    /// The step that is open.
    private struct OpenStep {
        var batch: OpenBatch<Int>
        /// Of each answered group: embeddings at unit length, and the sum of the similarities with
        /// their keys.
        var groups: [(group: Int, features: Tensor, similarity: Double)] = []
    }

    /// A coordinator whose queue is drawn from the seed.
    init(_ settings: ContrastiveSettings, dataset: ImageDataset, seed: UInt64) {
        self.settings = settings
        self.dataset = dataset
        queue = FeatureQueue(
            FeatureQueue.Settings(
                rowCount: settings.queue, dim: settings.dim, seed: seed,
                threads: ContrastiveCoordinator.threads))
    }

    var tables: [TableSummary] {
        [
            TableSummary(
                name: "queue", rows: settings.queue, dim: settings.dim, bytes: queue.byteCount)
        ]
    }

    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void
    ) throws {}

    // MARK: A step

    func open(step: Int, samples: [[Int]]) throws {
        queue.open()
        self.step = OpenStep(batch: OpenBatch(step: step, slices: samples))
    }

    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors] {
        guard var step else { throw EmbeddingExchangeError.noOpenStep }
        // z and keys of the group's slices, one after the other: [n, D].
        let answered = try step.batch.group(slices)
        let z = try answered.joined(inputs, width: settings.dim)
        let keys = try answered.joined(inputs, name: "keys", width: settings.dim)
        // Logits [q k+, q queue] / tau; the queue as it stood when the step opened.
        let answer = queue.answer(
            group: group, embeddings: z, keys: keys,
            loss: InstanceLoss(
                .contrastive, temperature: Float(settings.temperature), epsilon: 0),
            divisor: step.batch.count)
        step.groups.append(
            (group, z.unitRows(), answer.positives.reduce(0) { $0 + Double($1) }))
        self.step = step
        return answered.answers(
            gradient: answer.gradient,
            losses: Tensor(answer.losses, shape: [answer.losses.count, 1]))
    }

    /// The step's keys overwrite the oldest ones.
    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum] {
        guard let open = self.step, open.batch.step == step else {
            throw EmbeddingExchangeError.stepNotOpen(step)
        }
        self.step = nil
        queue.commit()
        let groups = open.groups.sorted { $0.group < $1.group }
        let similarity = groups.reduce(0) { $0 + $1.similarity } / Double(open.batch.count)
        let features = groups.reduce(Tensor(zeros: [0, settings.dim])) {
            $0.concatenatedRows(with: $1.features)
        }
        return batchFigures(
            of: features, positive: similarity,
            labels: open.batch.samples.map { dataset.label($0) },
            threads: ContrastiveCoordinator.threads)
    }

    // MARK: State

    var state: [StateArray] { queue.entries(prefix: "queue").map(StateArray.init) }

    func restore(_ state: [StateArray]) throws {
        try queue.restore(state.map(\.changedArray.entry), prefix: "queue")
        step = nil
    }
}

/// Figures of one batch, so that they waver; `pleiad analyse` looks at the test images.
///
/// The separation is how much nearer the positive lies than the ten nearest others of the batch, a
/// mean (sheet contrastive, section 5, local separation).
///
/// - Parameters:
///   - features: of unit length.
///   - positive: the mean similarity with the positive.
func batchFigures(
    of features: Tensor, positive: Double, labels: [Int], threads: Int
) -> [SliceResult.Sum] {
    var figures = [SliceResult.Sum(name: "similarity.positive", value: positive)]
    func add(_ name: String, _ value: Double) {
        figures.append(SliceResult.Sum(name: name, value: value))
    }
    if labels.count > 1 {
        add("uniformity", -uniformityLoss(of: features, threads: threads))
        let nearest = meanNearestSimilarities(
            of: features, ranks: min(10, labels.count - 1), threads: threads)
        add("separation", positive - nearest.reduce(0, +) / Double(nearest.count))
    }
    if let tolerance = Tolerance(of: features, labels: labels) {
        add("tolerance", tolerance.meanOfSameClass)
    }
    return figures
}
