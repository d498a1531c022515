import ArgumentParser
import Datasets
import Storage

/// `pleiad patches`: patches cut from images, as a file of features.
struct PatchesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patches",
        abstract: "Write patches cut from the data set's images to a .npy file.",
        discussion: """
            Squares at random places of random training images, a row each, pixels scaled to 0 to \
            1. They are real vectors in any number, to try a clustering on; seed and numbers \
            decide every byte. A run file's `data: {kind: patches, ...}` trains on the same.

            Examples:
              pleiad patches --count 2000000 --side 8 --out patches.npy
              pleiad cluster --features patches.npy --centers 1000000 --out labels.safetensors
            """)

    @Option(help: "Patches.")
    var count: Int

    @Option(help: "Rows and columns of a patch.")
    var side = 8

    @Option(help: "The file to write: NumPy, 32-bit floats [patches, side * side].")
    var out: String

    @Option(help: "Decides images and places.")
    var seed: UInt64 = 0

    @Option(help: "The folder of the data set.")
    var data: String?

    func validate() throws {
        guard (1...Int(Int32.max)).contains(count) else {
            throw ValidationError("--count must be between 1 and \(Int32.max).")
        }
        guard side >= 1 else { throw ValidationError("--side must be at least 1.") }
    }

    func run() throws {
        let images = try FashionMNIST.load(directory: data ?? FashionMNIST.defaultDirectory)
        let largest = min(images.train.height, images.train.width)
        guard side <= largest else {
            throw BadInput(
                description: "--side \(side): the images have \(largest) rows and columns")
        }
        let patches = ImagePatches(side: side, count: count, seed: seed)
        try NPYFile.write(PixelFeatures(images.train.patches(patches)).features(), to: out)
        print("\(out): \(patches.name), of \(images.train.name)")
    }
}
