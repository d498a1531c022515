import Evaluation
import Foundation
import Storage
import Tensors

/// The cores of this machine: how many threads offline commands use; no result depends on it.
var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

/// Accuracies of a representation, as fractions.
struct EvaluationReport {
    /// What is measured.
    struct Measures {
        var knn: Bool
        var linear: Bool
        /// The linear probe with a searched C.
        var search: Bool
        /// The linear evaluation by SGD, with this seed.
        var linearSGD: UInt64?
        /// Test images among the nearest others of each.
        var retrieval: Bool
        /// What the network itself says, where its embeddings are logits of the classes.
        var classifier: Bool
    }

    private let name: String
    private var knn: Double?
    private var embeddingKNN: Double?
    /// Of embeddings among the rows of the run's bank.
    private var bankKNN: Double?
    private var linear: Double?
    private var classifier: Double?
    /// Recalls at each depth, of features and of embeddings, where there is a head.
    private var retrieval: [(depth: Int, features: Double, embeddings: Double?)] = []
    private var searched: (accuracy: Double, best: LinearProbeSearch.Trial)?
    /// Of the linear evaluation by SGD; accuracy is nil where it left the finite numbers.
    private var trainedLinear: (accuracy: Double?, loss: Double)?

    /// Measures what is wanted.
    ///
    /// - Parameter representation: with features of mirror images where `measures` has a linear
    ///   evaluation by SGD.
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
            bankKNN = representation.bankKNN
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
        if let seed = measures.linearSGD, let mirrored = representation.mirrored {
            trainedLinear = Self.trained(
                .init(plain: bank.features, mirrored: mirrored, labels: bank.labels), queries,
                classCount: classCount, seed: seed)
        }
    }

    /// Trains and measures the layer of the linear evaluation; says how it goes, and warns if that
    /// is nowhere.
    private static func trained(
        _ samples: LinearEvaluation.Samples, _ queries: RepresentationProtocol.LabelledFeatures,
        classCount: Int, seed: UInt64
    ) -> (accuracy: Double?, loss: Double) {
        let settings = LinearEvaluation.Settings(seed: seed)
        let layer = LinearEvaluation(
            samples, classCount: classCount, settings: settings, threads: coreCount
        ) { epoch, loss in
            guard epoch.isMultiple(of: 10) else { return }
            printError("epoch \(epoch) of \(settings.epochs): loss \(significant(loss))")
        }
        let accuracy = layer.accuracy(of: queries.features, labels: queries.labels)
        if accuracy == nil {
            printError(
                "pleiad: the loss of the linear evaluation is not finite in epoch "
                    + "\(layer.losses.count), so it has no accuracy. Its rate of 30 is for pooled "
                    + "features of usual lengths; --linear takes any that are finite.")
        }
        return (accuracy, layer.losses.last ?? .nan)
    }

    /// The same as it is kept of a step.
    func record(step: Int) -> EvaluationRecord {
        let figures = [
            ("knn.top1", knn), ("knn.embedding_top1", embeddingKNN), ("knn.bank_top1", bankKNN),
            ("linear.top1", linear), ("linear_search.top1", searched?.accuracy),
            ("linear_sgd.top1", trainedLinear?.accuracy), ("classifier.top1", classifier),
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
        add("kNN     ", bankKNN, "embeddings, in the run's bank")
        add("linear  ", linear, "features")
        add("own     ", classifier, "the network's classifier")
        if let searched {
            add("linear  ", searched.accuracy, "features, C \(significant(searched.best.weight))")
        }
        add("linear  ", trainedLinear?.accuracy, "features, by SGD")
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
            if let bankKNN { figures.append(JSONMember("bank_top1", .number(bankKNN))) }
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
        if let trainedLinear {
            let (accuracy, loss) = trainedLinear
            let figures: JSONValue = [
                "top1": accuracy.map(JSONValue.number) ?? .null,
                "loss": loss.isFinite ? .number(loss) : .null,
            ]
            members.append(JSONMember("linear_sgd", figures))
        }
        if !retrieval.isEmpty {
            let figures = recalls.map { JSONMember($0.name, .number($0.recall)) }
            members.append(JSONMember("retrieval", .object(figures)))
        }
        return JSONValue.object(members).text
    }

    private static func percent(_ fraction: Double) -> String { decimals(100 * fraction, 2) + " %" }
}
