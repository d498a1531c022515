/// What can go wrong between the program and its files.
public enum StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The system refused an operation; `code` is its errno.
    case system(operation: String, path: String, code: Int32, text: String)
    /// The disk or the quota is full.
    case diskFull(operation: String, path: String)
    /// There is no such file or folder.
    case missing(path: String)
    /// The file is not of the form that was expected.
    case malformed(path: String, reason: String)
    /// The file's bytes are not those that were written: a checksum or a digest differs.
    case damaged(path: String, reason: String)
    /// Somebody else holds the lock.
    case locked(path: String, holder: String)
    /// There are checkpoints, and none of them is whole.
    case noWholeCheckpoint(directory: String, rejected: [RejectedCheckpoint])
    /// An earlier write failed in a way after which the file cannot be trusted any more.
    case broken(path: String, reason: String)

    /// What went wrong, where, and what to do, in one sentence or two.
    public var description: String {
        switch self {
        case .system(let operation, let path, _, let text):
            "\(path): cannot \(operation): \(text)"
        case .diskFull(let operation, let path):
            "\(path): cannot \(operation): the disk is full; make room and start again, "
                + "what was committed before is intact"
        case .missing(let path):
            "\(path): no such file or folder"
        case .malformed(let path, let reason):
            "\(path): \(reason)"
        case .damaged(let path, let reason):
            "\(path): is damaged: \(reason)"
        case .locked(let path, let holder):
            "\(path): in use by \(holder); stop that one first or use another state directory"
        case .noWholeCheckpoint(let directory, let rejected):
            "\(directory): none of \(rejected.count) checkpoints is whole: "
                + rejected.map(\.description).joined(separator: "; ")
        case .broken(let path, let reason):
            "\(path): not written any more since an earlier failure: \(reason)"
        }
    }
}

/// A checkpoint that is there and not whole.
public struct RejectedCheckpoint: Hashable, Sendable, CustomStringConvertible {
    /// The step in the folder's name.
    public var step: Int
    /// The file at fault, as a path.
    public var file: String
    /// What is wrong with it.
    public var reason: String

    /// A rejection of this file.
    public init(step: Int, file: String, reason: String) {
        self.step = step
        self.file = file
        self.reason = reason
    }

    /// `step N: file: reason`.
    public var description: String { "step \(step): \(file): \(reason)" }
}
