import ArgumentParser
import CoordinatorDaemon
import Datasets
import Evaluation
import Inspection
import Methods
import Storage

/// `pleiad analyse`: what a run's loss has done to the space of its embeddings.
struct AnalyseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyse",
        abstract: "Measure what a run's loss does to the space of embeddings, on held-out images.",
        discussion: """
            Uniformity, tolerance, alignment of two random views, similarities of views and of \
            images, which negatives a softmax of several temperatures would push, local \
            separation, kNN and linear accuracy, kNN in the run's memory bank if there is one. All \
            of the test images' embeddings at unit length, by the newest checkpoint; of a \
            fine-tuned run, whose embeddings are logits, of its features. The same checkpoint and \
            data give the same figures to the last bit.

            --json prints one object: uniformity, tolerance, alignment, knn (of the embeddings), \
            knn_features, knn_bank, linear (shares of 1), nearest_similarities, histograms, \
            penalties, ... --out writes a page that needs nothing beside it. --record keeps the \
            analysis in the state directory, and its accuracies for pleiad plot.

            Examples:
              pleiad analyse runs/c
              pleiad analyse runs/c --json | jq '.uniformity, .tolerance'
              pleiad analyse runs/c --out analysis.html
              pleiad analyse runs/c --step 300 --record
              pleiad analyse runs/c --untrained           the network as it began

            See also: docs/inspection.md; pleiad sweep; pleiad evaluate.
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Flag(help: "Print one JSON object.")
    var json = false

    @Option(help: "The page to write, .html.")
    var out: String?

    @Option(help: "The checkpoint of this step. Default: the newest one.")
    var step: Int?

    @Flag(help: "Analyse the network with its first weights.")
    var untrained = false

    @Flag(help: "Keep the analysis in the state directory.")
    var record = false

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    func validate() throws {
        if untrained, record || step != nil {
            throw ValidationError(
                "--step and --record belong to a checkpoint, not to --untrained.")
        }
        if let out, !["html", "htm"].contains(fileEnding(of: out)) {
            throw ValidationError("'\(out)' does not end in .html.")
        }
    }

    func run() throws {
        if let out { try checkFolder(of: out) }
        let run = try StoredRun(directory: directory)
        let trained = untrained ? nil : try TrainedCheckpoint(of: run, step: step)
        let version = try trained?.version ?? run.untrainedVersion()
        let extractor = try FeatureExtractor(of: run, version)
        let (train, test) = try run.plan.loadData(directory: data)
        let analysis = try RunAnalysis(
            of: run.plan, extractor: extractor, step: trained?.step, train: train, test: test,
            memoryBank: trained?.memoryBank)
        if record { try analysis.write(to: directory) }
        if let out {
            try LocalFileSystem().writeFileDurably(out, Array(AnalysisPage(analysis).html.utf8))
        }
        print(json ? analysis.json.text : text(of: analysis))
    }

    private func text(of analysis: RunAnalysis) -> String {
        let head =
            "\(analysis.run), \(analysis.method), \(analysis.moment): "
            + "\(counted(analysis.embedding.imageCount, "image")) of \(analysis.images), "
            + "\(analysis.space.rawValue) of \(analysis.embedding.dim)"
        let figures = columns(analysis.figures.map { [$0.name, $0.value, $0.meaning] })
        return
            ([head, ""] + figures + ["", "who is pushed, at each temperature:"]
            + columns(penaltyRows(analysis))).joined(separator: "\n")
    }

    private func penaltyRows(_ analysis: RunAnalysis) -> [[String]] {
        analysis.embedding.penalties.enumerated().map { place, penalty in
            [
                "  \(significant(penalty.loss.temperature))",
                penalty.loss.hardest.map { "nearest \(grouped($0))" } ?? "",
                "entropy \(decimals(penalty.entropy, 3))",
                "as if \(decimals(penalty.effectiveNegatives, 1))",
                penalty.nearest.map {
                    "nearest \(grouped($0.count)): \(decimals(100 * $0.share, 1)) %"
                }.joined(separator: ", "),
                place == analysis.ownPenalty ? "(the run's own)" : "",
            ]
        }
    }
}
