internal import Datasets
internal import Foundation
internal import Objectives
internal import Optimizers
internal import Tensors

/// LiT at the coordinator: it holds the embeddings of the images, and computes the loss of the
/// whole step.
final class LiTCoordinator: CoordinatorMethod {
    /// Threads that look for the nearest text of each image; the number decides no bit.
    private static let threads = max(1, min(64, ProcessInfo.processInfo.activeProcessorCount))

    private let settings: LiTSettings
    private let dataset: ImageDataset
    /// `[n, D]`, of the training images.
    private var images: Tensor?
    /// The step that is open, with the numbers of its images.
    private var batch: OpenBatch<Int>?

    init(_ settings: LiTSettings, dataset: ImageDataset) {
        (self.settings, self.dataset) = (settings, dataset)
    }

    /// None: nothing but the parameters is trained.
    var tables: [TableSummary] { [] }
    /// Nothing: the file of embeddings is the run's by its digest.
    var state: [StateArray] { [] }

    func restore(_ state: [StateArray]) throws {
        guard state.isEmpty else { throw LiTError.unknownState(state.map(\.name)) }
        batch = nil
    }

    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void
    ) throws {
        let names = FashionCaptions.classNames
        guard dataset.classCount == names.count else {
            throw LiTError.wrongClasses(
                wanted: names.count, found: dataset.classCount, name: dataset.name)
        }
        let path = settings.images.path
        report(0, "reading the images' embeddings from \(path)")
        images = try settings.images.embeddings(count: dataset.count)
        report(1, "embeddings of \(dataset.count) images from \(path)")
    }

    func open(step: Int, samples: [[Int]]) throws {
        guard images != nil else { throw LiTError.noImages }
        batch = OpenBatch(step: step, slices: samples)
    }

    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors] {
        guard let images else { throw LiTError.noImages }
        guard let batch else { throw EmbeddingExchangeError.noOpenStep }
        guard slices == batch.slices.indices else {
            throw EmbeddingExchangeError.wrongSlices(slices, of: batch.slices.count)
        }
        let group = try batch.group(slices)
        let texts = try group.joined(inputs, width: settings.images.dim)
        guard !group.filled.isEmpty else { return [] }
        return answers(
            LiTStep(
                images: images.rows(at: group.samples), texts: texts,
                logScale: try logScale(inputs, of: group.filled), threads: Self.threads),
            to: group.filled)
    }

    /// The t that all slices have.
    private func logScale(
        _ inputs: [NamedTensors], of filled: [FilledSlice]
    ) throws(LiTError) -> Tensor {
        var common: Tensor?
        for (slice, input) in zip(filled, inputs) {
            guard let logScale = input["logScale"], logScale.shape == [1] else {
                let found = input.entries.map { "\($0.name) \($0.tensor.shape)" }
                throw .badInput(
                    slice: slice.number, problem: "\(found), expected logScale of one element")
            }
            if let common, !common.isBitIdentical(to: logScale) {
                throw .badInput(
                    slice: slice.number,
                    problem: "logScale \(logScale.scalar), other slices have \(common.scalar)")
            }
            common = logScale
        }
        return common ?? Tensor(zeros: [1])
    }

    /// Each slice's own rows of dL/dz.
    ///
    /// What belongs to the step as a whole goes to its first slice and 0 to all others, so that the
    /// sum over slices has it once, to the bit.
    private func answers(
        _ step: LiTStep, to filled: [FilledSlice]
    ) -> [NamedTensors] {
        let whole = (
            dLogScale: step.logScaleGradient,
            sums: Tensor([Float(step.loss), Float(step.accuracy)], shape: [2])
        )
        let nothing = (dLogScale: Tensor(zeros: [1]), sums: Tensor(zeros: [2]))
        return filled.enumerated().map { place, slice in
            let part = place == 0 ? whole : nothing
            return NamedTensors([
                "dz": step.textGradient.rows(slice.rows), "dLogScale": part.dLogScale,
                "sums": part.sums,
            ])
        }
    }

    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum] {
        guard batch?.step == step else { throw EmbeddingExchangeError.stepNotOpen(step) }
        batch = nil
        return []
    }
}

/// The loss of a whole step, its gradients, and how many images find their own text.
struct LiTStep {
    /// The mean over images and texts.
    let loss: Double
    /// Share of images whose own text is the nearest of the batch; of equal ones the first counts.
    let accuracy: Double
    /// dL/dz, `[B, D]`.
    let textGradient: Tensor
    /// dL/dt, `[1]`.
    let logScaleGradient: Tensor

    /// - Parameters:
    ///   - images: `[B, D]`, constants.
    ///   - texts: z `[B, D]`.
    ///   - logScale: t `[1]`.
    init(images: Tensor, texts: Tensor, logScale: Tensor, threads: Int) {
        let tape = Tape()
        let (z, t) = (tape.leaf(texts), tape.leaf(logScale))
        let contrast = SymmetricContrast(images: tape.constant(images), texts: z, logScale: t)
        loss = Double(contrast.loss.value.scalar)
        let one = Tensor(repeating: 1, shape: contrast.loss.shape)
        let gradients = tape.gradients(of: [(contrast.loss, one)], for: [z, t])
        (textGradient, logScaleGradient) = (gradients[0], gradients[1])
        let nearest = NearestRows(
            of: images.unitRows(), among: texts.unitRows(), depth: 1, threads: threads)
        let hits = nearest.columns.enumerated().filter { $0.offset == Int($0.element) }.count
        accuracy = Double(hits) / Double(nearest.columns.count)
    }
}
