public import Datasets
public import Networks
public import Optimizers
public import RunFiles
public import Tensors

/// Instance discrimination against a memory bank, as a measuring bench for the temperature (Wang
/// and Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021; Wu et al., CVPR 2018).
///
/// The bank has one row a training image, an average of the image's earlier embeddings. An encoder
/// is trained to find an image's own row among all rows from one augmented view. The softmax weighs
/// each other row by e^(s/tau); other losses take all of them alike, the nearest alone, or drawn
/// ones. A worker sends embeddings z and gets dL/dz; it never sees the bank.
///
/// Settings: `ContrastiveSettings`. A step: `EmbeddingWorker`, `ContrastiveCoordinator`. Losses:
/// `InstanceLoss`, `NoiseContrastiveLoss`. Bank: `MemoryBank`.
public struct Contrastive: Method {
    /// The name in run files.
    public static let name = "contrastive"

    /// The section `contrastive`.
    public let settings: ContrastiveSettings
    /// How random views are made.
    public let views: ViewSettings
    /// Encoder and head.
    public let network: EmbeddingNetwork

    /// Reads the sections `network`, `views` and `contrastive`.
    public init(sections: RunSections, settings run: RunSettings) {
        settings = ContrastiveSettings(from: sections.method)
        if settings.loss == .moco, settings.queue < run.batch.samples {
            sections.method.reject(
                "queue", "\(settings.queue) rows do not hold the keys of one step",
                allowed: "batch.samples, \(run.batch.samples), or more")
        }
        views = contrastiveViews(from: sections.views)
        network = EmbeddingNetwork(
            encoderSettings(from: sections.network, imageSize: views.height),
            channels: imageChannels, height: views.height, width: views.width,
            embeddingWidth: settings.dim, head: settings.head)
    }

    /// The encoder's parameters, then the head's.
    public var layout: ParameterLayout { network.layout }

    /// Encoder and head.
    public var imageNetwork: EmbeddingNetwork? { network }

    /// One random view of each image.
    public var imageViews: ViewSettings? { views }

    /// The loss's temperature and nearest rows.
    public var instanceContrast: InstanceContrast? {
        InstanceContrast(
            temperature: settings.loss.isLinear ? nil : settings.temperature,
            hardest: settings.loss.isHard ? settings.hardest : nil)
    }

    /// One round.
    ///
    /// Noise-contrastive estimation fixes its constant by the whole first step, so that its steps
    /// are one answer group each.
    public var exchanges: [ExchangeRound] {
        var round = EmbeddingExchange.round
        round.mixesSamples = settings.loss == .nce
        return [round]
    }

    /// The step's loss.
    public var sumNames: [String] { EmbeddingWorker.sumNames(terms: []) }

    /// Embeddings `[samples, D]`, finite.
    public func problem(with input: NamedTensors, round: Int, samples: Int) -> String? {
        EmbeddingExchange.problem(
            with: input, round: round, samples: samples, width: settings.dim,
            hasKeys: settings.loss == .moco)
    }

    /// The key encoder of `moco`.
    public var averages: ParameterAverages? {
        settings.loss == .moco ? ParameterAverages(momentum: settings.keyMomentum) : nil
    }

    /// The worker's part.
    public func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod {
        EmbeddingWorker(
            network, averages: averages, dataset: dataset, seed: seed, views: views)
    }

    /// The coordinator's part.
    public func makeCoordinator(
        dataset: ImageDataset, settings run: RunSettings
    ) -> any CoordinatorMethod {
        settings.loss == .moco
            ? ContrastiveQueue(settings, dataset: dataset, seed: run.seed)
            : ContrastiveCoordinator(settings, dataset: dataset, seed: run.seed)
    }
}
