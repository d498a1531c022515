import ArgumentParser
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import Tensors

/// `pleiad evaluate`: what a run has learnt, by the reference protocol.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure what the newest checkpoint of a run has learnt.",
        discussion: """
            kNN: 20 neighbours at temperature 0.07 among all training images. Linear: logistic \
            regression on 20,000 standardised features. Accuracies are of the test images.

            Examples:
              pleiad evaluate runs/quick
              pleiad evaluate runs/quick --knn --json
              pleiad evaluate runs/quick --untrained      the network as it began
              pleiad evaluate runs/quick --pixels         no network at all
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Flag(help: "Nearest neighbours; both protocols if neither is named.")
    var knn = false

    @Flag(help: "Linear probe; both protocols if neither is named.")
    var linear = false

    @Flag(help: "Evaluate the network with its first weights.")
    var untrained = false

    @Flag(help: "Evaluate centred raw pixels.")
    var pixels = false

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    func validate() throws {
        if untrained, pixels {
            throw ValidationError("--untrained and --pixels exclude each other.")
        }
    }

    func run() throws {
        let run = try StoredRun(directory: directory)
        let (train, test) = try run.plan.loadData(directory: data)
        let isEverything = !knn && !linear
        let report = EvaluationReport(
            try representation(of: run, train: train, test: test), classCount: train.classCount,
            knn: knn || isEverything, linear: linear || isEverything)
        print(json ? report.json : report.text)
    }

    private func representation(
        of run: StoredRun, train: ImageDataset, test: ImageDataset
    ) throws -> Representation {
        if pixels { return Representation(pixelsOf: train, test) }
        let trained = untrained ? nil : try run.trainedVersion()
        let version = try trained?.version ?? run.untrainedVersion()
        return Representation(
            name: trained.map { "step \($0.step)" } ?? "untrained",
            extractor: FeatureExtractor(of: run, version), train: train, test: test)
    }
}
