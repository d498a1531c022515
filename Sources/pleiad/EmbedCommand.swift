import ArgumentParser
import CoordinatorDaemon
import Evaluation
import Foundation
import Methods
import Storage
import Tensors

/// `pleiad embed`: features of a run's newest checkpoint, as a file.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write a run's features or embeddings of all images to a .npy file.",
        discussion: """
            Rows are in the order of the data set. The file can be clustered: set \
            mlcd.clustering.path in a run file, or give it to pleiad cluster.

            Examples:
              pleiad embed runs/quick --out features.npy
              pleiad embed runs/quick --out z.npy --head --test
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Option(help: "The file to write: NumPy, 32-bit floats [images, width].")
    var out: String

    @Flag(help: "Write the head's embeddings instead of the encoder's features.")
    var head = false

    @Flag(help: "Embed the test images instead of the training images.")
    var test = false

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    func run() throws {
        let run = try StoredRun(directory: directory)
        let (train, testImages) = try run.plan.loadData(directory: data)
        let (version, step) = try run.trainedVersion()
        let extractor = FeatureExtractor(of: run, version)
        let (features, embeddings) = extractor(test ? testImages : train)
        let rows = head ? embeddings : features
        try NPYFile.write(rows, to: out)
        printError("\(out): \(rows.shape) of step \(step)")
    }
}
