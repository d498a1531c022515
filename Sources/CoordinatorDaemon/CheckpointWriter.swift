import CoordinatorCore
import Messages
import Storage
import Threads

/// Writes checkpoints on a thread of its own, beside the training path: the states that it is
/// given are values, which later steps do not change.
actor CheckpointWriter {
    nonisolated let executor = ThreadExecutor(name: "pleiad-checkpoint")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    private let directory: RunDirectory

    init(directory: RunDirectory) { self.directory = directory }

    /// Writes the states in order until the stream ends; events go back through `report`.
    func serve(
        _ states: AsyncStream<NumericState>, report: @Sendable (Event) async -> Void
    ) async {
        for await state in states {
            do {
                try write(state)
                await report(.checkpointed(committed: StepNumber(state.committed)))
            } catch {
                await report(.failed("checkpoint of step \(state.committed): \(error)"))
            }
        }
        executor.stop()
    }

    private func write(_ state: NumericState) throws {
        let digests = state.digests
        // The lengths in the manifest are those of the state's moment, on disk before it says so.
        try directory.synchronizeFigures()
        try directory.checkpoints.write(
            step: state.committed, files: CheckpointFiles.all(state),
            digests: [
                NamedDigest("parameters", digests.parameters),
                NamedDigest("optimizer", digests.optimizer),
                NamedDigest("tables", digests.tables), NamedDigest("all", digests.all),
            ],
            logs: state.logs, createdBy: "pleiad")
    }
}
