public import Storage

/// Why a run's centers cannot be looked at.
public enum InspectionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The run's method has no table of centers.
    case noCenters(method: String)
    /// No step of the run is committed yet.
    case noCurves(directory: String)
    /// A file cannot be read, written, or is not what it should be.
    case file(StorageError)
    /// The labels are not those with which the checkpoint was made.
    case otherLabels(path: String)
    /// The data set has another number of images than there are labels.
    case otherData(name: String, images: Int, labelled: Int)
    /// The data set has another number of images than the run's bank has rows.
    case otherBank(name: String, images: Int, rows: Int)
    /// There is no image of this number.
    case noImage(Int, of: String, count: Int)
    /// There is no center of this number.
    case noCenter(Int, count: Int)
    /// A picture could not be made.
    case noPicture(width: Int, height: Int, reason: String)
    /// There are too few images to compare.
    case fewImages(name: String, count: Int)
    /// Embeddings are no finite numbers.
    case notFinite(rows: Int, of: String)
    /// It was told to stop.
    case stopped

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .noCenters(let method):
            "A run of the method '\(method)' has no table of centers to look at. Name the state "
                + "directory of a run of a method that has one, such as mlcd."
        case .noCurves(let directory):
            "\(directory) has no figures of a step yet. Name the state directory of a run, and "
                + "look again once it has made a step."
        case .file(let error):
            "\(error)"
        case .otherLabels(let path):
            "\(path): the checkpoint was made with other labels. Put labels.safetensors of that "
                + "run back."
        case .otherData(let name, let images, let labelled):
            "\(name) has \(images) images, but the run has labels of \(labelled). Point --data at "
                + "the images that the run was trained on."
        case .otherBank(let name, let images, let rows):
            "\(name) has \(images) images, but the run's bank has a row for each of \(rows). Point "
                + "--data at the images that the run was trained on."
        case .noImage(let image, let name, let count):
            "\(name) has no image \(image). Its \(count) images are numbered from 0 to "
                + "\(count - 1)."
        case .noCenter(let center, let count):
            "There is no center \(center). The \(count) centers are numbered from 0 to "
                + "\(count - 1)."
        case .noPicture(let width, let height, let reason):
            "A picture of \(width) x \(height) could not be made: \(reason). Show fewer centers, "
                + "or fewer images of each."
        case .fewImages(let name, let count):
            "\(name) has \(count) images: two at least are compared, and one is trained on."
        case .notFinite(let rows, let name):
            "The network makes numbers that are not finite of \(rows) images of \(name): the run "
                + "has diverged. Look at an earlier checkpoint with --step, and train with a lower "
                + "optimizer.learningRate."
        case .stopped:
            "Stopped; nothing was written."
        }
    }

    /// Whether the cause is what the user gave, rather than a failure on the way.
    public var isBadInput: Bool {
        switch self {
        case .noCenters, .noCurves, .otherLabels, .otherData, .otherBank, .noImage, .noCenter,
            .fewImages, .notFinite:
            true
        case .file, .noPicture, .stopped: false
        }
    }
}
