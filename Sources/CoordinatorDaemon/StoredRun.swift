public import Methods
import Networks
import RunFiles
public import Storage
import Tensors

/// A run as it lies in its state directory: what offline commands read.
///
/// It takes no lock and never looks at live state.
public struct StoredRun: Sendable {
    /// The run file, understood.
    public let plan: RunPlan
    /// The directory.
    public let directory: String

    /// The run in a state directory.
    ///
    /// - Throws: `DaemonError.noRun` if there is none; what the run file's mistakes throw.
    public init(directory: String) throws {
        let runFile = directory + "/run.yaml"
        guard LocalFileSystem().exists(runFile) else {
            throw DaemonError.noRun(directory: directory)
        }
        plan = try StoredRun.plan(runFile, LocalFileSystem())
        self.directory = directory
    }

    /// The run file of a state directory, which carries its checksum.
    static func plan(_ path: String, _ files: any FileSystem) throws -> RunPlan {
        try RunPlan(text: files.readSealedText(path, upTo: runFileBytesMax), file: path)
    }

    /// The longest run file in a state directory, in bytes: those that are read have at most
    /// 256 KiB, and with every default filled in they are longer.
    private static let runFileBytesMax = 1 << 20

    /// The digests of the newest whole checkpoint, computed from its files.
    ///
    /// - Throws: `DaemonError.noCheckpoint` if there is none yet, `StorageError` if none is whole.
    public func digests() throws -> RunDigests {
        try reading { try CheckpointFiles.read($0).digests }
    }

    /// A trained version, and its number of steps.
    ///
    /// - Parameter step: that of a checkpoint; the newest whole one by default.
    public func trainedVersion(
        step: Int? = nil
    ) throws -> (version: VersionTensors, step: Int) {
        try reading(step: step) { (try version(in: $0), $0.step) }
    }

    /// The version in a checkpoint; its tables are not read.
    public func version(in checkpoint: Checkpoint) throws -> VersionTensors {
        let arrays = try CheckpointFiles.parameters(in: checkpoint)
        let layout = plan.method.layout
        return VersionTensors(
            parameters: try CheckpointFiles.flat(arrays, layout.parameters, file: directory),
            buffers: try CheckpointFiles.flat(arrays, layout.bufferLayout, file: directory))
    }

    /// The tables in a checkpoint, which stay on disk.
    public func tables(in checkpoint: Checkpoint) throws -> StreamedSafetensors {
        try checkpoint.streamed(CheckpointFiles.tables)
    }

    /// The version with which the run began.
    ///
    /// - Throws: `WeightFileError` if it began with weights whose file is not there any more.
    public func untrainedVersion() throws -> VersionTensors { try plan.firstVersion() }

    /// Reads a whole checkpoint: every file was found to be what was written.
    ///
    /// A running coordinator removes old ones; one that is gone while it is read is left for the
    /// newest.
    ///
    /// - Parameter step: that of a checkpoint; the newest whole one by default.
    /// - Throws: `DaemonError` if there is none, or none of this step; what `body` throws.
    public func reading<Result>(
        step: Int? = nil, _ body: (Checkpoint) throws -> Result
    ) throws -> Result {
        for _ in 1..<Self.attemptsMax {
            let checkpoint = try checkpoint(step: step)
            do {
                return try body(checkpoint)
            } catch StorageError.missing where !LocalFileSystem().exists(checkpoint.folder) {
                continue
            }
        }
        return try body(try checkpoint(step: step))
    }

    /// Checkpoints that are tried: each that is gone was followed by two newer ones.
    private static let attemptsMax = 4

    private func checkpoint(step: Int?) throws -> Checkpoint {
        let folder = directory + "/checkpoints"
        guard LocalFileSystem().exists(folder) else {
            throw DaemonError.noCheckpoint(directory: directory)
        }
        let store = try CheckpointStore(directory: folder, makesDirectory: false)
        if let step {
            let steps = try store.steps()
            guard steps.contains(step) else {
                throw DaemonError.noCheckpointOf(step: step, directory: directory, there: steps)
            }
            return try store.checkpoint(step: step)
        }
        guard let checkpoint = try store.newest().checkpoint else {
            throw DaemonError.noCheckpoint(directory: directory)
        }
        return checkpoint
    }
}
