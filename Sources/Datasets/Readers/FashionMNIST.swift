/// Fashion-MNIST: grey images 28 x 28 of ten kinds of clothing (Xiao et al., arXiv 1708.07747).
public enum FashionMNIST {
    /// Where Debian's package `dataset-fashion-mnist` puts the files.
    public static let defaultDirectory = "/usr/share/datasets/fashion-mnist"
    /// Mean and deviation of the training pixels (reference run, sheet MLCD section 6).
    public static let statistics = ChannelStatistics(mean: [0.2860], deviation: [0.3530])
    /// T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
    public static let classCount = 10
    /// Rows and columns of an image.
    public static let side = 28

    /// Reads the four files of a directory, compressed (`.gz`) or not.
    ///
    /// - Returns: 60,000 training and 10,000 test images (fewer if the files hold fewer).
    /// - Throws: `DatasetError` with file and remedy.
    public static func load(
        directory: String = defaultDirectory
    ) throws(DatasetError) -> (train: ImageDataset, test: ImageDataset) {
        let train = try part("train", directory: directory)
        let test = try part("t10k", directory: directory)
        return (train, test)
    }

    private static func part(
        _ stem: String, directory: String
    ) throws(DatasetError) -> ImageDataset {
        let images = try file("\(stem)-images-idx3-ubyte", in: directory)
        let labels = try file("\(stem)-labels-idx1-ubyte", in: directory)
        let (imageDims, labelDims) = (images.content.dims, labels.content.dims)
        guard imageDims.count == 3, imageDims[0] > 0, imageDims[1] == side, imageDims[2] == side
        else {
            throw .wrongDimensions(
                file: images.path, expected: "images of \(side) x \(side)", found: imageDims)
        }
        guard labelDims == [imageDims[0]] else {
            throw .wrongDimensions(
                file: labels.path, expected: "\(imageDims[0]) labels, one an image",
                found: labelDims)
        }
        let bad = labels.content.elements.firstIndex { Int($0) >= classCount }
        if let bad {
            throw .labelOutOfRange(
                file: labels.path, index: bad, label: Int(labels.content.elements[bad]),
                classCount: classCount)
        }
        let manifest = DataManifest(
            entries: [images, labels].map {
                DataManifest.Entry(
                    name: $0.name, byteCount: $0.content.byteCount, digest: $0.content.digest)
            })
        return ImageDataset(
            name: "fashion-mnist/\(stem == "train" ? "train" : "test")", channels: 1,
            height: side, width: side, classCount: classCount, pixels: images.content.elements,
            labels: labels.content.elements, statistics: statistics, manifest: manifest)
    }

    private static func file(
        _ name: String, in directory: String
    ) throws(DatasetError) -> (name: String, path: String, content: IDXFile) {
        let base = directory.hasSuffix("/") ? directory + name : directory + "/" + name
        let remedy =
            "install it (on Debian: apt-get install dataset-fashion-mnist) "
            + "or name the directory that holds it"
        do {
            let content = try IDXFile(path: base + ".gz", remedy: remedy)
            return (name, base + ".gz", content)
        } catch .missing {
            do {
                return (name, base, try IDXFile(path: base, remedy: remedy))
            } catch .missing {
                throw .missing(file: base + ".gz", remedy: remedy)
            }
        }
    }
}
