import ArgumentParser
import Clustering
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import Tensors

/// `pleiad cluster`: k-means and the nearest centers of every sample.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Cluster images or features, and find every sample's nearest centers.",
        discussion: """
            Exact k-means (Lloyd), spherical unless --plain. The file holds centers [k, d], \
            labels [n, q] and their cosines. The result is the same for any number of threads.

            Examples:
              pleiad cluster --centers 4000 --out labels.safetensors
              pleiad cluster --features z.npy --centers 20000 --out labels.safetensors
              pleiad cluster --checkpoint runs/quick --centers 4000 --out labels.safetensors
            """)

    @Option(help: "Number of clusters.")
    var centers: Int

    @Option(help: "The file to write (safetensors).")
    var out: String

    @Option(help: "Features to cluster: .npy, or safetensors with one matrix.")
    var features: String?

    @Option(help: "Cluster the features of this run's newest checkpoint.")
    var checkpoint: String?

    @Option(help: "The folder of the data set, whose pixels are clustered by default.")
    var data: String?

    @Option(help: "Iterations.")
    var iterations = 15

    @Option(help: "Nearest centers to store for each sample.")
    var labels = 8

    @Option(help: "The seed of first centers and splits.")
    var seed: UInt64 = 0

    @Flag(help: "Plain centers and Euclidean distance, instead of unit centers.")
    var plain = false

    @Flag(help: "Leave features as they are, instead of centring them and scaling to unit length.")
    var raw = false

    func validate() throws {
        guard centers >= 2 else { throw ValidationError("--centers must be at least 2.") }
        guard iterations >= 1, labels >= 1 else {
            throw ValidationError("--iterations and --labels must be at least 1.")
        }
        if features != nil, checkpoint != nil {
            throw ValidationError("--features and --checkpoint exclude each other.")
        }
    }

    func run() throws {
        let (source, given) = try samples()
        let prepared = FeaturePreparation(centred: !raw, unitLength: !raw).applied(to: given)
        let settings = ClusteringSettings(
            clusterCount: centers, iterations: iterations, spherical: !plain,
            labelsPerSample: labels, seed: seed)
        let result = try cluster(prepared, settings: settings, threads: coreCount) { progress in
            printError(
                "iteration \(progress.iteration)/\(progress.iterations)  "
                    + "objective \(significant(progress.objective))  "
                    + "ETA \(duration(progress.remaining / .seconds(1)))")
            return true
        }
        guard let result else { return }
        try result.write(to: out, source: source)
        print("\(out): \(result.report)")
    }

    private func samples() throws -> (source: String, features: Tensor) {
        if let features {
            let file = FileFeatures(path: features)
            return (file.name, try file.features())
        }
        guard let checkpoint else {
            let place = data ?? FashionMNIST.defaultDirectory
            let pixels = PixelFeatures(try FashionMNIST.load(directory: place).train)
            return (pixels.name, pixels.features())
        }
        let run = try StoredRun(directory: checkpoint)
        let (version, step) = try run.trainedVersion()
        let extractor = FeatureExtractor(of: run, version)
        let train = try run.plan.loadData(directory: data).train
        return (
            "\(checkpoint) step \(step)", EncoderFeatures(extractor, dataset: train).features()
        )
    }
}
