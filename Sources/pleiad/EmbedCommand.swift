import ArgumentParser
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Methods
import Storage
import Tensors

/// `pleiad embed`: features of a run's checkpoint or of ready-made weights, as a file.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write features or embeddings of all images to a .npy file.",
        discussion: """
            The network is a run's newest checkpoint, or one of timm's or torchvision's with \
            weights from a file. Rows are in the order of the images. The file can be clustered: \
            set mlcd.clustering.path in a run file, or give it to pleiad cluster.

            Examples:
              pleiad embed runs/quick --out features.npy
              pleiad embed runs/quick --out z.npy --head --test
              pleiad embed runs/quick --out features.npy --images images.npy
              pleiad embed --network vit_small_patch16_224 --weights F.safetensors --out f.npy
            """)

    @Argument(help: "The run's state directory.")
    var directory: String?

    @Option(help: "The file to write: NumPy, 32-bit floats [images, width].")
    var out: String

    @Option(help: "Use ready-made weights: a safetensors file with timm's or torchvision's names.")
    var weights: String?

    @Option(help: "Whose they are: \(ReadyMadeEncoder.names.joined(separator: ", ")).")
    var network: String?

    @Option(
        help: """
            How ready-made weights want images scaled: half (mean and deviation 0.5) or imagenet. \
            Default: the network's usual one.
            """,
        transform: choice)
    var normalisation: ReadyMadeEncoder.Normalisation?

    @Option(
        help: """
            Embed these images, scaled already: .npy or safetensors, 32-bit floats [images, \
            channels, height, width].
            """)
    var images: String?

    @Flag(help: "Write the head's embeddings instead of the encoder's features.")
    var head = false

    @Flag(help: "Embed the test images instead of the training images.")
    var test = false

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    func validate() throws {
        if (directory == nil) == (weights == nil) {
            throw ValidationError("Name a run's state directory, or --weights with --network.")
        }
        if (weights == nil) != (network == nil) {
            throw ValidationError("--weights and --network go together.")
        }
        if weights == nil, normalisation != nil {
            throw ValidationError("--normalisation belongs to --weights; a run has its own.")
        }
        if head, weights != nil {
            throw ValidationError("--head belongs to a run; ready-made weights have no head.")
        }
        if images != nil, test || data != nil || normalisation != nil {
            throw ValidationError("--images excludes --test, --data and --normalisation.")
        }
    }

    func run() throws {
        let (features, embeddings, source) = try embedded()
        let rows = head ? embeddings : features
        try NPYFile.write(rows, to: out)
        printError("\(out): \(rows.shape) of \(source)")
    }

    private func embedded() throws -> (features: Tensor, embeddings: Tensor, source: String) {
        if let weights, let network {
            let encoder = try ReadyMadeEncoder(named: network, weights: weights)
            let extractor = encoder.extractor(threads: coreCount)
            let (features, embeddings) = try embedded(extractor) {
                let place = data ?? FashionMNIST.defaultDirectory
                let (train, testImages) = try FashionMNIST.load(directory: place)
                return encoder.inputs(of: test ? testImages : train, normalisation)
            }
            return (features, embeddings, weights)
        }
        let run = try StoredRun(directory: directory ?? "")
        let (version, step) = try run.trainedVersion()
        let (features, embeddings) = try embedded(try FeatureExtractor(of: run, version)) {
            let (train, testImages) = try run.plan.loadData(directory: data)
            return test ? testImages : train
        }
        return (features, embeddings, "step \(step)")
    }

    private func embedded(
        _ extractor: FeatureExtractor, of dataset: () throws -> ImageDataset
    ) throws -> (features: Tensor, embeddings: Tensor) {
        guard let images else { return extractor(try dataset()) }
        return extractor(images: try FileImages(path: images).images(for: extractor.network))
    }
}
