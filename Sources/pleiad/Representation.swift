import Clustering
import CoordinatorDaemon
import Datasets
import Evaluation
import Inspection
import Methods
import RunFiles
import Storage
import Tensors

/// A checkpoint of a run, as it is measured.
struct TrainedCheckpoint {
    let version: VersionTensors
    /// Steps that were committed.
    let step: Int
    /// The memory bank, of a method with one.
    let memoryBank: InspectedBank?

    /// Reads a checkpoint.
    ///
    /// - Parameter step: its step; the newest whole one by default.
    init(of run: StoredRun, step: Int?) throws {
        (version, self.step, memoryBank) = try run.reading(step: step) { checkpoint in
            (
                try run.version(in: checkpoint), checkpoint.step,
                try run.plan.method.memoryBank.map {
                    try InspectedBank($0, tables: run.tables(in: checkpoint))
                }
            )
        }
    }
}

extension FeatureExtractor {
    /// An extractor of one version of a stored run, on all cores.
    ///
    /// - Throws: `BadInput` if the run trains no image encoder.
    init(of run: StoredRun, _ version: VersionTensors) throws {
        guard let network = run.plan.method.imageNetwork else {
            throw BadInput.noImageEncoder(run)
        }
        self.init(
            network: network, parameters: version.parameters,
            buffers: version.buffers, threads: coreCount)
    }
}

extension BadInput {
    /// A run of a method that trains no image encoder.
    static func noImageEncoder(_ run: StoredRun) -> BadInput {
        let method = run.plan.settings.method
        return BadInput(
            description: "\(run.directory): a run of \(method) trains no image encoder; its text "
                + "tower is measured by pleiad evaluate --zero-shot --images FILE")
    }
}

/// Features of training and test images under one way to represent them.
struct Representation {
    /// What it is, for people.
    let name: String
    let bank: RepresentationProtocol.LabelledFeatures
    let queries: RepresentationProtocol.LabelledFeatures
    /// Embeddings z of both, where there is a head.
    let embeddings:
        (
            bank: RepresentationProtocol.LabelledFeatures,
            queries: RepresentationProtocol.LabelledFeatures
        )?
    /// Features of the training images' mirror images, where they were asked for.
    private(set) var mirrored: Tensor?
    /// Share of test images that the neighbours in the run's memory bank classify; nil without one,
    /// or where it was not asked for.
    private(set) var bankKNN: Double?

    /// Features and embeddings of a network.
    ///
    /// - Parameters:
    ///   - width: the coordinates of an embedding that count, the first ones.
    ///   - mirrors: whether mirror images are looked at, too.
    ///   - memoryBank: one row a training image.
    /// - Throws: `InspectionError.otherBank` if it is of other images.
    init(
        name: String, extractor: FeatureExtractor, width: Int, train: ImageDataset,
        test: ImageDataset, mirrors: Bool, memoryBank: InspectedBank?
    ) throws {
        self.name = name
        let (bankFeatures, bankEmbeddings) = extractor(train)
        let (queryFeatures, queryEmbeddings) = extractor(test)
        let (bankLabels, queryLabels) = (train.labels.map(Int.init), test.labels.map(Int.init))
        bank = .init(features: bankFeatures, labels: bankLabels)
        queries = .init(features: queryFeatures, labels: queryLabels)
        embeddings = (
            .init(features: bankEmbeddings.leadingColumns(width), labels: bankLabels),
            .init(features: queryEmbeddings.leadingColumns(width), labels: queryLabels)
        )
        if mirrors { mirrored = extractor.mirrored(train) }
        bankKNN = try memoryBank?.accuracy(
            of: queryEmbeddings, labels: queryLabels, among: train, threads: coreCount)
    }

    /// Raw pixels, centred by the mean of the training images.
    init(pixelsOf train: ImageDataset, _ test: ImageDataset) {
        name = "pixels"
        let (bankPixels, queryPixels) = (
            PixelFeatures(train).features(), PixelFeatures(test).features()
        )
        let centred = FeaturePreparation(centred: true, unitLength: false)
        bank = .init(
            features: centred.applied(to: bankPixels), labels: train.labels.map(Int.init))
        queries = .init(
            features: centred.applied(to: queryPixels, centredLike: bankPixels),
            labels: test.labels.map(Int.init))
        embeddings = nil
    }
}
