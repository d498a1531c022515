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
        plan = try RunPlan(contentsOf: runFile)
        self.directory = directory
    }

    /// The digests of the newest whole checkpoint, computed from its files.
    ///
    /// - Throws: `DaemonError.noCheckpoint` if there is none yet, `StorageError` if none is whole.
    public func digests() throws -> RunDigests { try newest().digests }

    /// The trained version of the newest whole checkpoint, and its number of steps.
    public func trainedVersion() throws -> (version: VersionTensors, step: Int) {
        let state = try newest()
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
    public func untrainedVersion() -> VersionTensors {
        let layout = plan.method.layout
        return VersionTensors(
            parameters: layout.initialised(seed: plan.settings.seed),
            buffers: layout.initialisedBuffers())
    }

    private func newest() throws -> NumericState {
        let folder = directory + "/checkpoints"
        guard LocalFileSystem().exists(folder) else {
            throw DaemonError.noCheckpoint(directory: directory)
        }
        let (checkpoint, _) = try CheckpointStore(directory: folder).newest()
        guard let checkpoint else { throw DaemonError.noCheckpoint(directory: directory) }
        return try CheckpointFiles.read(checkpoint)
    }
}
