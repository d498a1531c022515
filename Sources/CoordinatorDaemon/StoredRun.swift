public import Methods
import Networks
import RunFiles
import Storage
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
    public func digests() throws -> RunDigests { try state().digests }

    /// A trained version, and its number of steps.
    ///
    /// - Parameter step: that of a checkpoint; the newest whole one by default.
    public func trainedVersion(
        step: Int? = nil
    ) throws -> (version: VersionTensors, step: Int) {
        let state = try state(at: step)
        let layout = plan.method.layout
        return (
            VersionTensors(
                parameters: try CheckpointFiles.flat(
                    state.parameters, layout.parameters, file: directory),
                buffers: try CheckpointFiles.flat(
                    state.parameters, layout.bufferLayout, file: directory)),
            state.committed
        )
    }

    /// The version with which the run began.
    ///
    /// - Throws: `WeightFileError` if it began with weights whose file is not there any more.
    public func untrainedVersion() throws -> VersionTensors { try plan.firstVersion() }

    private func state(at step: Int? = nil) throws -> NumericState {
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
            return try CheckpointFiles.read(try store.checkpoint(step: step))
        }
        guard let checkpoint = try store.newest().checkpoint else {
            throw DaemonError.noCheckpoint(directory: directory)
        }
        return try CheckpointFiles.read(checkpoint)
    }
}
