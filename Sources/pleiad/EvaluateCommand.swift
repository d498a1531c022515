import ArgumentParser
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import RunFiles
import Tensors

/// `pleiad evaluate`: what a run has learnt, by the reference protocol.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure what the newest checkpoint of a run has learnt.",
        discussion: """
            kNN: 20 neighbours at temperature 0.07 among all training images. Linear: logistic \
            regression on 20,000 standardised features, with C = 0.316. --search fits it to all \
            training images, with the C that does best on a fifth of them held out. Accuracies \
            are of the test images. --retrieval looks among the 1, 5 and 10 nearest other test \
            images of each for one of its class (Recall@1, 5, 10). Of a fine-tuned run the \
            accuracy of its own classifier comes with the others. Of a run with a memory bank \
            (contrastive) kNN has a third figure: each test image's embedding among the bank's \
            rows, 200 neighbours.

            --linear-sgd is the protocol of instance discrimination: one linear layer on features \
            as they are, 100 epochs of SGD over all training images and their mirror images at a \
            rate of 30, a fifth of it after epochs 40, 60 and 80. Its draws follow from the run's \
            seed.

            --record keeps the accuracies in the state directory, from where pleiad plot draws \
            them. A run file with evaluate: {every: STEPS} or {everyEpoch: true} does so on the \
            way.

            Examples:
              pleiad evaluate runs/quick
              pleiad evaluate runs/quick --knn --json
              pleiad evaluate runs/quick --search
              pleiad evaluate runs/c --knn --linear-sgd --record
              pleiad evaluate runs/quick --retrieval --json
              pleiad evaluate runs/quick --step 300 --record
              pleiad evaluate runs/quick --untrained      the network as it began
              pleiad evaluate runs/quick --pixels         no network at all
              pleiad evaluate runs/lit --zero-shot --images test.npy
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Flag(help: "Nearest neighbours; this and --linear if no measure is named.")
    var knn = false

    @Flag(help: "Linear probe; this and --knn if no measure is named.")
    var linear = false

    @Flag(help: "Linear probe on all images, its C searched on a fifth of them held out.")
    var search = false

    @Flag(help: "One linear layer, trained by SGD: the protocol of instance discrimination.")
    var linearSGD = false

    @Flag(help: "Retrieval of test images by test images: Recall@1, 5 and 10.")
    var retrieval = false

    @Flag(help: "Evaluate the network with its first weights.")
    var untrained = false

    @Flag(help: "Evaluate centred raw pixels.")
    var pixels = false

    @Flag(help: "Of a run of lit: classify test images by the texts of their classes.")
    var zeroShot = false

    @Option(help: "The test images' embeddings, from pleiad embed --test. Goes with --zero-shot.")
    var images: String?

    @Option(help: "The checkpoint of this step. Default: the newest one.")
    var step: Int?

    @Flag(help: "Keep the accuracies in the state directory.")
    var record = false

    @Flag(help: "Give way to everything else that computes on this machine.")
    var background = false

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    func validate() throws {
        if untrained, pixels {
            throw ValidationError("--untrained and --pixels exclude each other.")
        }
        if untrained || pixels, record || step != nil {
            throw ValidationError(
                "--step and --record belong to a checkpoint, not to --untrained or --pixels.")
        }
        if zeroShot != (images != nil) {
            throw ValidationError("--zero-shot and --images go together.")
        }
        if linearSGD, pixels {
            throw ValidationError("--linear-sgd measures features of a network, not --pixels.")
        }
        if zeroShot, knn || linear || search || linearSGD || retrieval || untrained || pixels {
            throw ValidationError("--zero-shot goes with no other measure.")
        }
    }

    func run() throws {
        if background { giveWay() }
        let run = try StoredRun(directory: directory)
        if zeroShot, let images { return try classify(images, by: run) }
        let trained = untrained || pixels ? nil : try TrainedCheckpoint(of: run, step: step)
        let (train, test) = try run.plan.loadData(directory: data)
        let isEverything = !knn && !linear && !search && !linearSGD && !retrieval
        let measures = EvaluationReport.Measures(
            knn: knn || isEverything, linear: linear || isEverything, search: search,
            linearSGD: linearSGD ? run.plan.settings.seed : nil, retrieval: retrieval,
            classifier: run.plan.method.embedsLogits && !pixels && !untrained)
        let report = EvaluationReport(
            try representation(of: run, trained, train: train, test: test, for: measures),
            classCount: train.classCount, measures: measures)
        if let trained, record { try report.record(step: trained.step).write(to: directory) }
        print(json ? report.json : report.text)
    }

    private func classify(_ images: String, by run: StoredRun) throws {
        let measured = try ZeroShotEvaluation(of: run, step: step, images: images, data: data)
        if record { try measured.record.write(to: directory) }
        print(json ? measured.json : measured.text)
    }

    private func representation(
        of run: StoredRun, _ trained: TrainedCheckpoint?, train: ImageDataset, test: ImageDataset,
        for measures: EvaluationReport.Measures
    ) throws -> Representation {
        if pixels { return Representation(pixelsOf: train, test) }
        let version = try trained?.version ?? run.untrainedVersion()
        return try Representation(
            name: trained.map { "step \($0.step)" } ?? "untrained",
            extractor: FeatureExtractor(of: run, version),
            width: run.plan.method.evaluatedWidth, train: train, test: test,
            mirrors: measures.linearSGD != nil,
            memoryBank: measures.knn ? trained?.memoryBank : nil)
    }

    /// Threads that are made later have it from this one.
    private func giveWay() {
        if setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) != 0 {
            printError("pleiad: the priority could not be lowered; evaluating all the same")
        }
    }
}
