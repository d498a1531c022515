public import Datasets
public import Networks
internal import Optimizers
public import RunFiles
public import Tensors

/// Multi-label cluster discrimination (An et al., ECCV 2024; PartialFC and UNICOM under it).
///
/// Images are clustered once, offline; the nearest centers of an image are its positive classes.
/// An encoder is trained to classify images among a drawn part of all classes, whose centers are
/// rows of a table at the coordinator, learned by gradient. One loss term pulls positives, one
/// pushes negatives. A worker sends embeddings z and gets dL/dz; it sees neither rows nor labels.
///
/// Settings: `MLCDSettings`. A step: `EmbeddingWorker`, `MLCDCoordinator`. Loss:
/// `ClassificationLoss`.
public struct MLCD: Method {
    /// The name in run files.
    public static let name = "mlcd"

    /// The section `mlcd`.
    public let settings: MLCDSettings
    /// How random views are cut.
    public let views: ViewSettings
    /// Encoder and projection.
    public let network: EmbeddingNetwork

    /// Reads the sections `network`, `views` and `mlcd`.
    public init(sections: RunSections, settings run: RunSettings) {
        settings = MLCDSettings(from: sections.method, optimizer: run.optimizer)
        views = viewSettings(from: sections.views)
        network = EmbeddingNetwork(
            encoderSettings(from: sections.network, imageSize: views.height),
            channels: imageChannels, height: views.height, width: views.width,
            embeddingWidth: settings.dim)
    }

    /// Encoder and projection, as evaluation takes them.
    public var imageNetwork: EmbeddingNetwork? { network }

    /// One random crop of each image.
    public var imageViews: ViewSettings? { views }

    /// The encoder's parameters, then `head.weight`.
    public var layout: ParameterLayout { network.layout }

    /// Where steps sample features, the first F (UNICOM; sheet section 2.4).
    public var evaluatedWidth: Int { settings.features ?? settings.dim }

    /// The labels, where the run clusters its images.
    public var preparedFile: PreparedFile? {
        guard case .clustering(let clustering) = settings.labels else { return nil }
        return PreparedFile(
            name: MLCDLabels.fileName,
            settings: [
                "centers \(settings.centers)", "stored \(settings.stored)", "\(clustering)",
            ])
    }

    /// One round.
    public var exchanges: [ExchangeRound] { [EmbeddingExchange.round] }

    /// The step's loss and its two terms; single-label losses and `mlc` have no positive term.
    public var sumNames: [String] { EmbeddingWorker.sumNames(terms: Self.terms) }

    static let terms = ["loss.positive", "loss.negative"]

    /// Embeddings `[samples, D]`, finite.
    public func problem(with input: NamedTensors, round: Int, samples: Int) -> String? {
        EmbeddingExchange.problem(
            with: input, round: round, samples: samples, width: settings.dim)
    }

    /// The worker's part.
    public func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod {
        EmbeddingWorker(network, terms: Self.terms, dataset: dataset, seed: seed, views: views)
    }

    /// The coordinator's part.
    public func makeCoordinator(
        dataset: ImageDataset, settings run: RunSettings
    ) -> any CoordinatorMethod {
        MLCDCoordinator(
            settings, dataset: dataset, seed: run.seed, schedule: LearningRateSchedule(run))
    }
}
