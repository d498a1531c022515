public import Datasets
public import Networks
public import RunFiles
internal import Optimizers
public import Tensors

/// Supervised fine-tuning of a whole encoder with a linear classifier on it (MLCD sheet, section 5:
/// what "fine-tune" means in the paper's tables).
///
/// The encoder begins with the weights that `network.weights` names, or anew; the loss is the
/// cross-entropy of the data set's own labels. Every slice computes its own loss, so that a step
/// has no exchange, and the coordinator owns nothing but parameters and optimizer.
public struct FineTuning: Method {
    /// The name in run files.
    public static let name = "fine-tuning"

    /// Classes of the data set.
    public let classCount: Int
    /// How random views are cut.
    public let views: ViewSettings
    /// Encoder and classifier, whose embeddings are logits.
    public let network: EmbeddingNetwork

    /// Reads the sections `network`, `views` and `fine-tuning`.
    public init(sections: RunSections, settings run: RunSettings) {
        classCount = sections.method.int("classes", in: 2...256, default: 10)
        views = viewSettings(from: sections.views)
        network = EmbeddingNetwork(
            encoderSettings(from: sections.network, imageSize: views.height),
            channels: imageChannels, height: views.height, width: views.width,
            embeddingWidth: classCount, head: HeadSettings(.linear(hasBias: true)))
    }

    /// Encoder and classifier, as evaluation takes them.
    public var imageNetwork: EmbeddingNetwork? { network }

    /// One random crop of each image.
    public var imageViews: ViewSettings? { views }

    /// The encoder's parameters, then `head.weight` and `head.bias`.
    public var layout: ParameterLayout { network.layout }

    /// None.
    public var exchanges: [ExchangeRound] { [] }

    /// The step's mean loss, and the share of its views that were classified right.
    public var sumNames: [String] { ["loss", "accuracy"] }

    /// They are.
    public var embedsLogits: Bool { true }

    /// There is no round.
    public func problem(with input: NamedTensors, round: Int, samples: Int) -> String? {
        "round \(round) of a method without rounds"
    }

    /// The worker's part.
    public func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod {
        FineTuningWorker(network: network) { [views] work in
            let images = dataset.randomResizedCropFlip(
                work.samples, dataEpoch: Int(work.dataEpoch), seed: seed, settings: views)
            return (images, work.samples.map { Int(dataset.labels[$0]) })
        }
    }

    /// The coordinator's part.
    public func makeCoordinator(
        dataset: ImageDataset, settings run: RunSettings
    ) -> any CoordinatorMethod {
        FineTuningCoordinator(classCount: classCount, dataset: dataset)
    }
}

/// Fine-tuning at the coordinator: it owns nothing beyond the parameters.
final class FineTuningCoordinator: CoordinatorMethod {
    private let classCount: Int
    private let dataset: ImageDataset

    init(classCount: Int, dataset: ImageDataset) {
        (self.classCount, self.dataset) = (classCount, dataset)
    }

    var tables: [TableSummary] { [] }
    var state: [StateArray] { [] }

    func restore(_ state: [StateArray]) throws {
        guard state.isEmpty else {
            throw FineTuningError.unknownState(state.map(\.name))
        }
    }

    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void
    ) throws {
        guard dataset.classCount == classCount else {
            throw FineTuningError.wrongClasses(
                wanted: classCount, found: dataset.classCount, name: dataset.name)
        }
    }

    func open(step: Int, samples: [[Int]]) throws {}

    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors] {
        throw FineTuningError.noRounds
    }

    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum] { [] }
}

/// Why a run of fine-tuning cannot go on.
enum FineTuningError: Error, Hashable, CustomStringConvertible {
    /// The data set has another number of classes than the run file says.
    case wrongClasses(wanted: Int, found: Int, name: String)
    /// A checkpoint holds arrays that the method does not have.
    case unknownState([String])
    /// An exchange of a method without any.
    case noRounds

    var description: String {
        switch self {
        case .wrongClasses(let wanted, let found, let name):
            "\(name) has \(found) classes, the run file says \(wanted): set fine-tuning.classes"
        case .unknownState(let names):
            "the checkpoint has tables \(names), and fine-tuning has none: it is another run's"
        case .noRounds: "an answer was asked for in a method without exchanges"
        }
    }
}
