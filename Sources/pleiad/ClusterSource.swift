import ArgumentParser
import Clustering
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import Tensors

/// What is clustered, from the command line.
struct ClusterSource: ParsableArguments {
    @Option(
        help: """
            Features to cluster: .npy (16-, 32- or 64-bit floats), safetensors with one matrix, \
            or a folder of .npy files; several are taken one after the other.
            """)
    var features: [String] = []

    @Option(help: "Cluster the features of this run's newest checkpoint.")
    var checkpoint: String?

    @Option(help: "The folder of the data set, whose pixels are clustered by default.")
    var data: String?

    @Flag(help: "Leave features as they are, instead of centring them and scaling to unit length.")
    var raw = false

    func validate() throws {
        if !features.isEmpty, checkpoint != nil {
            throw ValidationError("--features and --checkpoint exclude each other.")
        }
    }

    /// How the samples are prepared.
    var preparation: FeaturePreparation {
        FeaturePreparation(centred: !raw, unitLength: !raw)
    }

    /// What features are called.
    var name: String { features.joined(separator: ", ") }

    /// The samples as they are, and what they are called.
    func samples() throws -> (name: String, samples: Samples) {
        if !features.isEmpty {
            return (name, try Samples(mapping: features))
        }
        let (name, tensor) = try computed()
        return (name, try Samples(tensor))
    }

    private func computed() throws -> (name: String, features: Tensor) {
        guard let checkpoint else {
            let place = data ?? FashionMNIST.defaultDirectory
            let pixels = PixelFeatures(try FashionMNIST.load(directory: place).train)
            return (pixels.name, pixels.features())
        }
        let run = try StoredRun(directory: checkpoint)
        let (version, step) = try run.trainedVersion()
        let extractor = try FeatureExtractor(of: run, version)
        let train = try run.plan.loadData(directory: data).train
        return (
            "\(checkpoint) step \(step)", EncoderFeatures(extractor, dataset: train).features()
        )
    }
}
