import CoordinatorCore
import Datasets
import Identity
import Messages
import Methods
import Networks
import Optimizers
import RunFiles
import Storage
import Tensors

extension StateEngine {
    /// The whole state as it stands, which later steps do not change; tables are fetched when they
    /// are written.
    ///
    /// Its checkpoint holds what has changed in the tables since the base, where that is smaller
    /// than all of them; else it is the base of those that follow.
    func snapshot() -> NumericState {
        let tables = method.snapshot(copies: copies)
        let arrays = tables.map(\.changedArray)
        let isSmaller = arrays.changeByteCount < arrays.byteCount
        let base = isSmaller ? self.base.flatMap { $0 < committed ? $0 : nil } : nil
        if base == nil {
            method.countChangesFromHere()
            self.base = committed
        }
        let layout = run.plan.method.layout
        let names = optimizer.rule.momentNames
        var moments = zip(names, optimizer.moments).map { StateArray($0, .floats($1)) }
        moments.append(StateArray("updates", .integers([Int64(optimizer.updates)])))
        return NumericState(
            committed: committed,
            parameters: named(version.parameters, layout.parameters)
                + named(version.buffers, layout.bufferLayout)
                + (version.averages.map {
                    named($0, layout.parameters, prefix: CheckpointFiles.averagesPrefix)
                } ?? []),
            optimizer: moments, tables: tables, logs: directory.logLengths, base: base)
    }

    /// Makes or loads labels, loads the newest whole checkpoint, and says where the run stands.
    func prepare() throws -> Event {
        try method.prepare(directory: directory.path) { fraction, what in
            board.preparing("\(what), \(Int(100 * fraction)) %")
        }
        let tail = directory.tailAtOpening
        let (found, rejected) = try directory.checkpoints.newest {
            checkpoint throws(StorageError) in
            (state: try CheckpointFiles.read(checkpoint), checkpoint: checkpoint)
        }
        for broken in rejected { directory.warn("passed over checkpoint \(broken)") }
        try directory.checkpoints.setAside(rejected)
        if let found {
            try restore(found.state, found.checkpoint)
        } else if run.plan.startingWeights != nil {
            version = try run.plan.firstVersion()
            nameVersion()
        }
        guard tail.stepCount >= committed else {
            throw DaemonError.badState(
                file: directory.path + "/ledger",
                reason: "holds \(tail.stepCount) steps, but there is a checkpoint of \(committed)")
        }
        if committed > 0, tail.record(of: committed - 1)?.next != versionDigest.hex {
            throw DaemonError.badState(
                file: directory.path + "/checkpoints/step-\(committed)",
                reason: "is not the version that the ledger records for step \(committed - 1)")
        }
        repeated = tail.records(from: committed)
        try directory.cutMetrics(after: committed)
        board.publish(tables: method.tables)
        board.preparing("")
        return .prepared(committed: StepNumber(committed), recorded: StepNumber(tail.stepCount))
    }

    private func restore(_ loaded: NumericState, _ checkpoint: Checkpoint) throws {
        let layout = run.plan.method.layout
        version = VersionTensors(
            parameters: try flat(loaded.parameters, layout.parameters, checkpoint),
            buffers: try flat(loaded.parameters, layout.bufferLayout, checkpoint),
            averages: run.plan.method.averages == nil
                ? nil
                : try flat(
                    loaded.parameters, layout.parameters, checkpoint,
                    prefix: CheckpointFiles.averagesPrefix))
        try restoreOptimizer(loaded.optimizer, checkpoint)
        try method.restore(loaded.tables)
        committed = loaded.committed
        base = loaded.base ?? committed
        nameVersion()
    }

    /// Finds the digests of a version that was not made by a commit.
    private func nameVersion() {
        averagesDigest = version.averagesDigest(threads: Self.threads)
        versionDigest = version.digest(averages: averagesDigest, threads: Self.threads)
    }

    private func restoreOptimizer(_ arrays: [StateArray], _ checkpoint: Checkpoint) throws {
        var moments: [Tensor] = []
        var updates = -1
        for name in optimizer.rule.momentNames {
            if case .floats(let tensor)? = arrays.first(where: { $0.name == name })?.values {
                moments.append(tensor)
            }
        }
        if case .integers(let values)? = arrays.first(where: { $0.name == "updates" })?.values {
            updates = values.first.flatMap { Int(exactly: $0) } ?? -1
        }
        guard optimizer.restore(moments: moments, updates: updates) else {
            throw DaemonError.badState(
                file: checkpoint.path(CheckpointFiles.optimizer),
                reason: "holds another optimizer's state")
        }
    }

    private func named(
        _ flat: Tensor, _ layout: FlatLayout, prefix: String = ""
    ) -> [StateArray] {
        layout.entries.indices.map { index in
            StateArray(prefix + layout.entries[index].name, .floats(layout.view(of: flat, index)))
        }
    }

    private func flat(
        _ arrays: [StateArray], _ layout: FlatLayout, _ checkpoint: Checkpoint,
        prefix: String = ""
    ) throws -> Tensor {
        try CheckpointFiles.flat(
            arrays, layout, prefix: prefix, file: checkpoint.path(CheckpointFiles.model))
    }
}
