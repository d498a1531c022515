internal import Clustering
internal import Datasets
internal import Foundation
internal import Identity
internal import Objectives
internal import Optimizers
internal import Storage
internal import Tables
internal import Tensors

/// MLCD at the coordinator: labels, the table of centers, losses (MLCD sheet, section 2.6).
final class MLCDCoordinator: CoordinatorMethod {
    /// Threads at work on the table, as many as there are cores; the number decides no bit.
    static let threads = max(1, min(64, ProcessInfo.processInfo.activeProcessorCount))

    let settings: MLCDSettings
    private let dataset: ImageDataset
    private let seed: UInt64
    private let loss: ClassificationSettings
    /// AdamW's first beta in a step, where the schedule moves it.
    private let schedule: LearningRateSchedule?
    private(set) var table: CenterTable
    private var labels: MLCDLabels?
    /// The step that is open, with the l positive classes of each sample.
    private var batch: OpenBatch<[Int32]>?
    /// The step after the open one, with its distinct classes by column: samples follow from the
    /// step alone.
    private var foreseen: (batch: OpenBatch<[Int32]>, columns: [[Int32]])?

    /// A coordinator without labels: `prepare` makes or loads them.
    ///
    /// - Parameter schedule: the run's, of which the table takes AdamW's first beta.
    init(
        _ settings: MLCDSettings, dataset: ImageDataset, seed: UInt64,
        schedule: LearningRateSchedule? = nil
    ) {
        self.settings = settings
        self.dataset = dataset
        self.seed = seed
        self.schedule = schedule
        loss = settings.classification
        table = CenterTable(unmade: settings.centerTable(seed: seed, threads: Self.threads))
    }

    /// A coordinator with labels and rows that are given.
    convenience init(
        _ settings: MLCDSettings, dataset: ImageDataset, seed: UInt64, labels: MLCDLabels,
        rows: Tensor
    ) {
        self.init(settings, dataset: dataset, seed: seed)
        use(labels)
        table = CenterTable(table.settings, rows: rows)
    }

    /// Takes labels that are there already.
    func use(_ labels: MLCDLabels) { self.labels = labels }

    var tables: [TableSummary] {
        [
            TableSummary(
                name: "centers", rows: settings.centers, dim: settings.dim,
                bytes: table.byteCount)
        ]
    }

    // MARK: A step

    func open(step: Int, samples: [[Int]]) throws {
        let (batch, columns) =
            if let foreseen, foreseen.batch.step == step {
                foreseen
            } else {
                try positives(step: step, samples: samples)
            }
        foreseen = nil
        table.open(step: step, columns: columns)
        self.batch = batch
    }

    /// Opens a step whose draw is made from keys that are given.
    func open(step: Int, samples: [[Int]], keys: some DrawKeys) throws {
        let (batch, columns) = try positives(step: step, samples: samples)
        let draws = columns.map {
            RowDraw(
                positives: $0, rowCount: settings.centers, wanted: table.settings.wanted,
                keys: keys)
        }
        table.open(step: step, draws: draws)
        self.batch = batch
    }

    func foresee(step: Int, samples: [[Int]]) {
        // Without labels nothing can be made ahead; `open` will say so.
        guard let (batch, columns) = try? positives(step: step, samples: samples) else { return }
        foreseen = (batch, columns)
        table.drawAhead(step: step, columns: columns)
    }

    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors] {
        guard let batch else { throw EmbeddingExchangeError.noOpenStep }
        let answered = try batch.group(slices)
        let z = try answered.joined(inputs, width: settings.dim)
        // Losses against the drawn rows, and dL/dz (equations 4 and 5).
        let answer = table.answer(
            group: group, embeddings: z, labels: answered.samples, loss: loss,
            divisor: batch.count)
        // Of several columns the mean is reported, as in the later trainer, though the gradient is
        // that of their sum.
        let share = 1 / Float(settings.columns)
        let parts = zip(answer.values.positiveParts, answer.values.negativeParts)
            .flatMap { [$0 * share, $1 * share] }
        let losses = Tensor(parts, shape: [z.shape[0], 2])
        return answered.answers(gradient: answer.gradient, losses: losses)
    }

    func prepareCommit(step: Int) {
        guard batch?.step == step else { return }
        table.makeGradients()
    }

    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum] {
        guard batch?.step == step else { throw EmbeddingExchangeError.stepNotOpen(step) }
        batch = nil
        let figures = table.commit(
            rate: settings.table.learningRateFactor * Double(rate),
            firstBeta: schedule?.firstBeta(at: step))
        var sums = [
            SliceResult.Sum(name: "positives", value: Double(figures.positiveCount)),
            SliceResult.Sum(name: "wanted", value: Double(figures.wanted)),
            SliceResult.Sum(name: "drawn", value: Double(figures.drawnCount)),
            SliceResult.Sum(name: "touched", value: Double(figures.touchedCount)),
            SliceResult.Sum(name: "cosine.positive", value: figures.cosines.positiveMean),
            SliceResult.Sum(name: "cosine.negative", value: figures.cosines.negativeMean),
        ]
        if let norm = figures.gradientNorm {
            sums.append(SliceResult.Sum(name: "gradientNorm.table", value: norm))
        }
        return sums
    }

    /// The classes of a step's samples, and those of the whole batch, distinct and ascending: of
    /// all labels, or of each column of them.
    private func positives(
        step: Int, samples: [[Int]]
    ) throws(MLCDError) -> (OpenBatch<[Int32]>, [[Int32]]) {
        guard let labels else { throw .noLabels }
        let chosen = samples.map { slice in
            slice.map { self.chosen(labels.stored(of: $0), step: step, sample: $0) }
        }
        let batch = OpenBatch(step: step, slices: chosen)
        let classes = chosen.joined()
        guard settings.columns > 1 else {
            var all: [Int32] = []
            for own in classes { all += own }
            return (batch, [RowDraw.positives(of: all)])
        }
        let columns = (0..<settings.columns).map { column in
            RowDraw.positives(of: classes.map { $0[column] })
        }
        return (batch, columns)
    }

    /// l of a sample's q classes: the columns of the smallest of q draws, anew in each step.
    private func chosen(_ stored: ArraySlice<Int32>, step: Int, sample: Int) -> [Int32] {
        guard stored.count > settings.positives else { return Array(stored) }
        let random = CounterRandom(
            seed: seed, stream: .labelChoice, a: UInt64(step), b: UInt64(sample))
        let draws = (0..<stored.count).map { random.uniform(at: $0) }
        return chosenLabels(stored: stored, draws: draws, count: settings.positives)
    }

    // MARK: State

    var state: [StateArray] {
        table.makeFirstRows()
        return arrays(table.entries(prefix: "centers").map { ChangedArray($0) })
    }

    func snapshot(copies: CopyBudget) -> [StateArray] {
        arrays(table.snapshot(prefix: "centers", copies: copies))
    }

    func countChangesFromHere() { table.countChangesFromHere() }

    private func arrays(_ arrays: [ChangedArray]) -> [StateArray] {
        arrays.map(StateArray.init)
            + [StateArray("labels.digest", .integers(labels?.digestWords ?? []))]
    }

    func restore(_ state: [StateArray]) throws {
        if let labels, let entry = state.first(where: { $0.name == "labels.digest" }),
            case .integers(let words) = entry.values, words != labels.digestWords
        {
            throw MLCDError.otherLabels
        }
        try table.restore(state.map(\.changedArray), prefix: "centers")
        batch = nil
    }

    // MARK: Labels

    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void
    ) throws {
        switch settings.labels {
        case .file(let path):
            let origin = MLCDLabels.originOfFile(settings, dataset: dataset)
            try prepare(directory, origin) {
                report(0, "reading labels from \(path)")
                let given = try MLCDLabels.clustering(
                    of: path, settings: settings, count: dataset.count)
                report(1, "labels from \(path): \(given.report)")
                return given
            }
        case .clustering(let clustering):
            let features = try MLCDFeatures(clustering, dataset: dataset)
            let origin = MLCDLabels.origin(
                settings, clustering: clustering, dataset: dataset, features: features.digest)
            try prepare(directory, origin) {
                let made = try features.clustered(settings, report: report)
                report(1, "clustered: \(made.report)")
                return made
            }
        }
    }

    /// Takes the labels of this origin that the state directory has, or puts there what is made.
    private func prepare(
        _ directory: String, _ origin: Digest, making: () throws -> ClusteringResult
    ) throws {
        let found = try MLCDLabels.load(
            directory: directory, origin: origin, settings: settings, count: dataset.count)
        if let found {
            try take(found)
        } else {
            let made = try making()
            try MLCDLabels.save(made, origin: origin, directory: directory)
            try take(
                MLCDLabels(
                    labels: made.labels, origin: origin, threshold: settings.threshold))
        }
        if settings.table.start == .centroids {
            // Every start reads them again: a checkpoint, where there is one, replaces the rows.
            let centers = try MLCDLabels.centers(directory: directory)
            guard centers.shape == [settings.centers, settings.dim] else {
                throw MLCDError.centersOfOtherLength(centers.shape[1], dim: settings.dim)
            }
            table = CenterTable(table.settings, rows: centers)
        }
    }

    private func take(_ labels: MLCDLabels) throws(MLCDError) {
        guard labels.cutShort == 0 else {
            throw .thresholdReachesAll(samples: labels.cutShort, stored: settings.stored)
        }
        self.labels = labels
    }
}
