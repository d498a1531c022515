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
    private let copies: CopyBudget

    /// - Parameter copies: what the states' copies are counted in.
    init(directory: RunDirectory, copies: CopyBudget) {
        (self.directory, self.copies) = (directory, copies)
    }

    /// Writes the states in order until the stream ends; events go back through `report`.
    func serve(
        _ states: AsyncStream<NumericState>, report: @Sendable (Event) async -> Void
    ) async {
        for await state in states {
            do {
                try write(state)
                await report(.checkpointed(committed: StepNumber(state.committed)))
            } catch {
                // A step that waits for room in this checkpoint must not wait for ever.
                copies.lift()
                await report(.failed("checkpoint of step \(state.committed): \(error)"))
            }
        }
        executor.stop()
    }

    private func write(_ state: NumericState) throws {
        // Tables are hashed as they are written: once, and then their copies are let go.
        let tables = ArraysDigest(state.tables)
        // The lengths in the manifest are those of the state's moment, on disk before it says so.
        try directory.synchronizeFigures()
        try directory.checkpoints.write(
            step: state.committed, base: state.base,
            files: CheckpointFiles.all(state, tables: tables.observedArrays),
            digests: RunDigests(
                step: state.committed, parameters: digest(of: state.parameters),
                optimizer: digest(of: state.optimizer), tables: tables.finish()
            ).named,
            logs: state.logs, createdBy: "pleiad")
    }
}
