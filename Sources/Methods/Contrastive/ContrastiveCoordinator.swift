internal import Datasets
internal import Evaluation
internal import Foundation
internal import Objectives
internal import Optimizers
internal import Storage
internal import Tables
internal import Tensors

/// Instance discrimination at the coordinator: the bank, losses, and the bank's update (sheet
/// contrastive, sections 2 and 3).
final class ContrastiveCoordinator: CoordinatorMethod {
    /// Threads at work on the bank, as many as there are cores; the number decides no bit.
    static let threads = max(1, min(64, ProcessInfo.processInfo.activeProcessorCount))

    let settings: ContrastiveSettings
    private let dataset: ImageDataset
    private let seed: UInt64
    private(set) var bank: MemoryBank
    /// Z of noise-contrastive estimation, once the first step has committed.
    private(set) var constant: Float?
    private var step: OpenStep?

    /// The step that is open.
    private struct OpenStep {
        var batch: OpenBatch<Int>
        /// Z that the step has made, where there was none.
        var constant: Float?
        /// The sum over answered anchors of the similarity with their own row, by group.
        var similarities: [(group: Int, sum: Double)] = []
    }

    /// A coordinator whose bank is drawn from the seed.
    convenience init(_ settings: ContrastiveSettings, dataset: ImageDataset, seed: UInt64) {
        let bank = MemoryBank(Self.bankSettings(settings, count: dataset.count, seed: seed))
        self.init(settings, dataset: dataset, seed: seed, bank: bank)
    }

    /// A coordinator whose bank begins with these rows `[N, D]`.
    convenience init(
        _ settings: ContrastiveSettings, dataset: ImageDataset, seed: UInt64, rows: Tensor
    ) {
        let bank = MemoryBank(
            Self.bankSettings(settings, count: dataset.count, seed: seed), rows: rows)
        self.init(settings, dataset: dataset, seed: seed, bank: bank)
    }

    private init(
        _ settings: ContrastiveSettings, dataset: ImageDataset, seed: UInt64, bank: MemoryBank
    ) {
        self.settings = settings
        self.dataset = dataset
        self.seed = seed
        self.bank = bank
    }

    private static func bankSettings(
        _ settings: ContrastiveSettings, count: Int, seed: UInt64
    ) -> MemoryBank.Settings {
        MemoryBank.Settings(
            rowCount: count, dim: settings.dim, momentum: Float(settings.momentum), seed: seed,
            threads: threads)
    }

    var tables: [TableSummary] {
        [
            TableSummary(
                name: "bank", rows: dataset.count, dim: settings.dim, bytes: bank.byteCount)
        ]
    }

    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void
    ) throws {
        guard !settings.loss.isHard || settings.hardest <= dataset.count else {
            throw ContrastiveError.tooManyHardest(settings.hardest, images: dataset.count)
        }
    }

    // MARK: A step

    func open(step: Int, samples: [[Int]]) throws {
        bank.open(step: step)
        self.step = OpenStep(batch: OpenBatch(step: step, slices: samples))
    }

    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors] {
        guard var step else { throw EmbeddingExchangeError.noOpenStep }
        let answered = try step.batch.group(slices)
        let z = try answered.joined(inputs, width: settings.dim)
        // s = f V^T, losses, dL/dz; V as it stood when the step opened.
        let answer =
            if let loss = settings.instanceLoss {
                bank.answer(
                    group: group, embeddings: z, images: answered.samples, loss: loss,
                    divisor: step.batch.count)
            } else {
                drawnAnswer(&step, group: group, z, answered.samples)
            }
        step.similarities.append((group, answer.positives.reduce(0) { $0 + Double($1) }))
        self.step = step
        return answered.answers(
            gradient: answer.gradient,
            losses: Tensor(answer.losses, shape: [answer.losses.count, 1]))
    }

    /// The answer of the losses over drawn rows.
    private func drawnAnswer(
        _ step: inout OpenStep, group: Int, _ z: Tensor, _ images: [Int]
    ) -> MemoryBank.Answer {
        let draws = images.map { draw(of: $0, step: step.batch.step) }
        let temperature = Float(settings.temperature)
        guard settings.loss == .nce else {
            let loss = InstanceLoss(.contrastive, temperature: temperature, epsilon: 0)
            return bank.answer(
                group: group, embeddings: z, draws: draws, loss: loss, divisor: step.batch.count)
        }
        // Z is a constant from the first step on, which is one group: it sees the whole batch.
        let constant =
            self.constant
            ?? NoiseContrastiveLoss.constant(
                of: bank.similarities(z, draws: draws).span, temperature: temperature,
                rowCount: dataset.count)
        step.constant = constant
        return bank.answer(
            group: group, embeddings: z, draws: draws,
            loss: NoiseContrastiveLoss(
                temperature: temperature, constant: constant, rowCount: dataset.count),
            divisor: step.batch.count)
    }

    /// The image's own row, then K rows, uniform with replacement.
    private func draw(of image: Int, step: Int) -> [Int32] {
        let random = CounterRandom(
            seed: seed, stream: .negativeDraw, a: UInt64(step), b: UInt64(image))
        return [Int32(image)]
            + (0..<settings.negatives).map { Int32(random.integer(at: $0, below: dataset.count)) }
    }

    /// The bank's rows move, with the features from before the optimizer's step.
    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum] {
        guard let open = self.step, open.batch.step == step else {
            throw EmbeddingExchangeError.stepNotOpen(step)
        }
        self.step = nil
        constant = open.constant ?? constant
        let (features, images) = bank.commit()
        let similarity = open.similarities.sorted { $0.group < $1.group }
            .reduce(0) { $0 + $1.sum }
        return batchFigures(
            of: features, positive: similarity / Double(open.batch.count),
            labels: images.map { dataset.label($0) }, threads: Self.threads)
    }

    // MARK: State

    var state: [StateArray] {
        var arrays = bank.entries(prefix: "bank").map(StateArray.init)
        if settings.loss == .nce {
            // Its bits as a whole number; none before the first commit.
            let bits = constant.map { [Int64($0.bitPattern)] } ?? []
            arrays.append(StateArray("nce.constant", .integers(bits)))
        }
        return arrays
    }

    func restore(_ state: [StateArray]) throws {
        var restored: Float?
        if settings.loss == .nce {
            restored = try Self.constant(of: state)
        }
        try bank.restore(state.map(\.changedArray.entry), prefix: "bank")
        constant = restored
        step = nil
    }

    private static func constant(of state: [StateArray]) throws -> Float? {
        guard let array = state.first(where: { $0.name == "nce.constant" }) else {
            throw TableError.missing("nce.constant")
        }
        guard case .integers(let bits) = array.values, bits.count <= 1 else {
            throw ContrastiveError.badConstant
        }
        guard let word = bits.first else { return nil }
        guard let pattern = UInt32(exactly: word), Float(bitPattern: pattern) > 0,
            Float(bitPattern: pattern).isFinite
        else { throw ContrastiveError.badConstant }
        return Float(bitPattern: pattern)
    }
}
