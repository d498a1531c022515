/// Why a data set could not be loaded; every case names the file and what to do about it.
public enum DatasetError: Error, Equatable, Sendable {
    /// The file does not exist or may not be read.
    case missing(file: String, remedy: String)
    /// The file ends before its content is complete.
    case truncated(file: String, detail: String)
    /// The file goes on after its content is complete.
    case trailingBytes(file: String, count: Int)
    /// The compressed stream is damaged, or is no stream at all.
    case corrupt(file: String, detail: String)
    /// The content does not begin as an IDX file of unsigned bytes.
    case notIDX(file: String, detail: String)
    /// The dimensions are not those of the data set.
    case wrongDimensions(file: String, expected: String, found: [Int])
    /// A label lies outside the classes of the data set.
    case labelOutOfRange(file: String, index: Int, label: Int, classCount: Int)
    /// The data set has fewer samples than a step takes.
    case tooFewSamples(name: String, count: Int, batch: Int)
    /// The data set has fewer samples than the run file takes of it.
    case fewerSamples(name: String, count: Int, wanted: Int)
    /// The content is larger than any file of this kind may be.
    case tooLarge(file: String, limitBytes: Int)
}

extension DatasetError: CustomStringConvertible {
    /// One sentence for the user: what, where, what to do.
    public var description: String {
        let fresh = "fetch the file again (on Debian: apt-get install --reinstall PACKAGE)"
        switch self {
        case .missing(let file, let remedy):
            return "\(file): no such file, or it may not be read; \(remedy)"
        case .truncated(let file, let detail):
            return "\(file): the file is truncated, \(detail); \(fresh)"
        case .trailingBytes(let file, let count):
            return "\(file): \(count) bytes follow the end of the content; \(fresh)"
        case .corrupt(let file, let detail):
            return "\(file): the compressed data is damaged (\(detail)); \(fresh)"
        case .notIDX(let file, let detail):
            return "\(file): this is no IDX file of bytes, \(detail); "
                + "check that the data directory is the right one"
        case .wrongDimensions(let file, let expected, let found):
            let dims = found.map(String.init).joined(separator: " x ")
            return "\(file): expected \(expected), found \(dims); "
                + "check that the data directory is the right one"
        case .labelOutOfRange(let file, let index, let label, let classCount):
            return "\(file): label \(label) of sample \(index) is not below \(classCount); "
                + "check that images and labels belong together"
        case .tooFewSamples(let name, let count, let batch):
            return "\(name): \(count) samples, but a step takes \(batch); "
                + "lower batch.samples in the run file, or set batch.dropLast to false"
        case .fewerSamples(let name, let count, let wanted):
            return "\(name): \(count) samples, but data.count is \(wanted); "
                + "lower data.count in the run file"
        case .tooLarge(let file, let limitBytes):
            return "\(file): the content exceeds \(limitBytes) bytes; "
                + "check that the data directory is the right one"
        }
    }
}
