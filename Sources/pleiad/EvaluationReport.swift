import Clustering
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import Tensors

/// The cores of this machine: how many threads offline commands use; no result depends on it.
var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

extension FeatureExtractor {
    /// An extractor of one version of a stored run, on all cores.
    init(of run: StoredRun, _ version: VersionTensors) {
        self.init(
            network: run.plan.method.network, parameters: version.parameters,
            buffers: version.buffers, threads: coreCount)
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

    /// Features and embeddings of a network.
    init(name: String, extractor: FeatureExtractor, train: ImageDataset, test: ImageDataset) {
        self.name = name
        let (bankFeatures, bankEmbeddings) = extractor(train)
        let (queryFeatures, queryEmbeddings) = extractor(test)
        let (bankLabels, queryLabels) = (train.labels.map(Int.init), test.labels.map(Int.init))
        bank = .init(features: bankFeatures, labels: bankLabels)
        queries = .init(features: queryFeatures, labels: queryLabels)
        embeddings = (
            .init(features: bankEmbeddings, labels: bankLabels),
            .init(features: queryEmbeddings, labels: queryLabels)
        )
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

/// Accuracies of a representation, as fractions.
struct EvaluationReport {
    private let name: String
    private let knn: Double?
    private let embeddingKNN: Double?
    private let linear: Double?

    /// Measures what is wanted.
    init(_ representation: Representation, classCount: Int, knn: Bool, linear: Bool) {
        let measure = RepresentationProtocol()
        name = representation.name
        let (bank, queries) = (representation.bank, representation.queries)
        self.knn =
            knn
            ? measure.nearestNeighbours(
                bank: bank, queries: queries, classCount: classCount, threads: coreCount) : nil
        embeddingKNN =
            knn
            ? representation.embeddings.map {
                measure.nearestNeighbours(
                    bank: $0.bank, queries: $0.queries, classCount: classCount,
                    threads: coreCount)
            } : nil
        self.linear =
            linear
            ? measure.linear(
                bank: bank, queries: queries, classCount: classCount, threads: coreCount) : nil
    }

    /// For people.
    var text: String {
        var lines: [String] = []
        if let knn { lines.append("\(name)  kNN     \(percent(knn)) (features)") }
        if let embeddingKNN {
            lines.append("\(name)  kNN     \(percent(embeddingKNN)) (embeddings)")
        }
        if let linear { lines.append("\(name)  linear  \(percent(linear)) (features)") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    var json: String {
        var parts: [String] = []
        if let knn {
            let embedding = embeddingKNN.map { ", \"embedding_top1\": \($0)" } ?? ""
            parts.append("\"knn\": {\"top1\": \(knn)\(embedding)}")
        }
        if let linear { parts.append("\"linear\": {\"top1\": \(linear)}") }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    private func percent(_ fraction: Double) -> String { decimals(100 * fraction, 2) + " %" }
}
