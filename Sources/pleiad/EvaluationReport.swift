import Clustering
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import RunFiles
import Storage
import Tensors

/// The cores of this machine: how many threads offline commands use; no result depends on it.
var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

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

    /// Features and embeddings of a network.
    ///
    /// - Parameter width: the coordinates of an embedding that count, the first ones.
    init(
        name: String, extractor: FeatureExtractor, width: Int, train: ImageDataset,
        test: ImageDataset
    ) {
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
    /// What is measured.
    struct Measures {
        var knn: Bool
        var linear: Bool
        /// The linear probe with a searched C.
        var search: Bool
        /// Test images among the nearest others of each.
        var retrieval: Bool
        /// What the network itself says, where its embeddings are logits of the classes.
        var classifier: Bool
    }

    private let name: String
    private var knn: Double?
    private var embeddingKNN: Double?
    private var linear: Double?
    private var classifier: Double?
    /// Recalls at each depth, of features and of embeddings, where there is a head.
    private var retrieval: [(depth: Int, features: Double, embeddings: Double?)] = []
    private var searched: (accuracy: Double, best: LinearProbeSearch.Trial)?

    /// Measures what is wanted.
    init(_ representation: Representation, classCount: Int, measures: Measures) {
        let measure = RepresentationProtocol()
        name = representation.name
        let (bank, queries) = (representation.bank, representation.queries)
        if measures.knn {
            func accuracy(
                _ bank: RepresentationProtocol.LabelledFeatures,
                _ queries: RepresentationProtocol.LabelledFeatures
            ) -> Double {
                measure.nearestNeighbours(
                    bank: bank, queries: queries, classCount: classCount, threads: coreCount)
            }
            knn = accuracy(bank, queries)
            embeddingKNN = representation.embeddings.map { accuracy($0.bank, $0.queries) }
        }
        if measures.linear {
            linear = measure.linear(
                bank: bank, queries: queries, classCount: classCount, threads: coreCount)
        }
        if measures.classifier, let logits = representation.embeddings?.queries {
            classifier = topAccuracy(
                logits.features.values, classCount: classCount, labels: logits.labels)
        }
        if measures.retrieval {
            let features = measure.retrieval(of: queries, threads: coreCount)
            let embeddings = representation.embeddings.map {
                measure.retrieval(of: $0.queries, threads: coreCount)
            }
            retrieval = features.enumerated().map { place, found in
                (found.depth, found.recall, embeddings?[place].recall)
            }
        }
        if measures.search {
            let (accuracy, search) = measure.searchedLinear(
                bank: bank, queries: queries, classCount: classCount, threads: coreCount
            ) { trial in
                let accuracy = Self.percent(trial.accuracy)
                printError("C \(significant(trial.weight)): \(accuracy) of those held out")
            }
            searched = (accuracy, search.best)
        }
    }

    /// The same as it is kept of a step.
    func record(step: Int) -> EvaluationRecord {
        let figures = [
            ("knn.top1", knn), ("knn.embedding_top1", embeddingKNN), ("linear.top1", linear),
            ("linear_search.top1", searched?.accuracy), ("classifier.top1", classifier),
        ]
        return EvaluationRecord(
            step: step,
            figures.compactMap { name, value in value.map { (name, $0) } }
                + recalls.map { ("retrieval.\($0.name)", $0.recall) })
    }

    /// Recalls by their names.
    private var recalls: [(name: String, recall: Double)] {
        retrieval.flatMap { at in
            [("recall\(at.depth)", at.features)]
                + (at.embeddings.map { [("embedding_recall\(at.depth)", $0)] } ?? [])
        }
    }

    /// For people.
    var text: String {
        var lines: [String] = []
        func add(_ measure: String, _ accuracy: Double?, _ what: String) {
            guard let accuracy else { return }
            lines.append("\(name)  \(measure)\(Self.percent(accuracy)) (\(what))")
        }
        add("kNN     ", knn, "features")
        add("kNN     ", embeddingKNN, "embeddings")
        add("linear  ", linear, "features")
        add("own     ", classifier, "the network's classifier")
        if let searched {
            add("linear  ", searched.accuracy, "features, C \(significant(searched.best.weight))")
        }
        for at in retrieval {
            let measure = "R@\(at.depth)".padding(toLength: 8, withPad: " ", startingAt: 0)
            add(measure, at.features, "features")
            add(measure, at.embeddings, "embeddings")
        }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    var json: String {
        var members: [JSONMember] = []
        if let knn {
            var figures = [JSONMember("top1", .number(knn))]
            if let embeddingKNN {
                figures.append(JSONMember("embedding_top1", .number(embeddingKNN)))
            }
            members.append(JSONMember("knn", .object(figures)))
        }
        if let linear { members.append(JSONMember("linear", ["top1": .number(linear)])) }
        if let classifier {
            members.append(JSONMember("classifier", ["top1": .number(classifier)]))
        }
        if let searched {
            let figures: JSONValue = [
                "top1": .number(searched.accuracy), "weight": .number(searched.best.weight),
                "held_out_top1": .number(searched.best.accuracy),
            ]
            members.append(JSONMember("linear_search", figures))
        }
        if !retrieval.isEmpty {
            let figures = recalls.map { JSONMember($0.name, .number($0.recall)) }
            members.append(JSONMember("retrieval", .object(figures)))
        }
        return JSONValue.object(members).text
    }

    private static func percent(_ fraction: Double) -> String { decimals(100 * fraction, 2) + " %" }
}
