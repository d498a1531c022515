import Storage
import Tensors

/// The state directory of a simulated run, by the program's own storage: epoch, ledger,
/// checkpoints, in the order of `RunDirectory`.
final class SimulatedDirectory {
    private static let path = "run"

    /// This start of the coordinator on the directory.
    let epoch: UInt32
    /// The records that the ledger held when it was opened.
    let records: [StepRecord]
    /// Openings in which something was in doubt, of all starts before this one.
    let doubtsAtOpening: Int
    private let ledger: AppendOnlyLog
    private let checkpoints: CheckpointStore
    private let files: any FileSystem
    private let flaw: ShellFlaw?
    private var doubts: Int
    /// The checkpoint that later ones may hold the changes of: its step, and its table.
    private var base: (step: Int, table: [Float])?

    /// Takes the directory for one start of the coordinator.
    init(files: any FileSystem, flaw: ShellFlaw?) throws(StorageError) {
        let path = Self.path
        self.files = files
        self.flaw = flaw
        try files.createDirectoryDurably(path)
        checkpoints = try CheckpointStore(directory: path + "/checkpoints", fileSystem: files)
        let last = try EpochFile.read(path + "/epoch", fileSystem: files)
        doubtsAtOpening = last?.doubts ?? 0
        doubts = doubtsAtOpening
        let lengths = try checkpoints.logLengths() + (last?.ended ?? [])
        var records: [StepRecord] = []
        ledger = try AppendOnlyLog(
            path: path + "/ledger", committedByteCount: LogLength.of("ledger", in: lengths),
            fileSystem: files
        ) { index, value throws(StorageError) in
            guard let record = StepRecord(json: value), record.step == index else {
                throw .damaged(path: "ledger", reason: "line \(index + 1)")
            }
            records.append(record)
        }
        self.records = records
        epoch =
            flaw == .sameEpoch
            ? max(last?.epoch ?? 1, 1) : try EpochFile.advance(path + "/epoch", fileSystem: files)
        if flaw == .sameEpoch, last == nil {
            _ = try EpochFile.advance(path + "/epoch", fileSystem: files)
        }
    }

    /// The state of the newest whole checkpoint, or nil if there is none.
    func newestState(slices: Int) throws(StorageError) -> SimulatedState? {
        let (found, rejected) = try checkpoints.newest { checkpoint throws(StorageError) in
            let base = checkpoint.base ?? checkpoint
            return (
                step: checkpoint.step, arrays: try checkpoint.changedArrays(Self.file),
                base: base.step, baseArrays: try base.arrays(Self.file)
            )
        }
        try checkpoints.setAside(rejected)
        guard let found else { return nil }
        let arrays = found.arrays.map(\.entry)
        var state = SimulatedState(slices: slices)
        state.committed = found.step
        state.version = try Self.values("version", arrays)
        state.table = try Self.values("table", arrays)
        state.memory = try Self.values("memory", arrays)
        base = (found.base, try Self.values("table", found.baseArrays))
        isOfChanges = found.base < found.step
        return state
    }

    /// Whether the newest checkpoint holds the changes of an earlier one.
    private(set) var isOfChanges = false

    private static let file = "state.safetensors"

    private static func values(
        _ name: String, _ arrays: [SafetensorsEntry]
    ) throws(StorageError) -> [Float] {
        guard case .f32(let tensor)? = arrays.first(where: { $0.name == name })?.value else {
            throw .malformed(path: file, reason: "has no \(name)")
        }
        return tensor.values
    }

    /// Steps in the ledger.
    var ledgerCount: Int { ledger.count }

    /// Appends a committed step; it is on disk when this returns.
    func append(_ record: StepRecord) throws(StorageError) {
        try ledger.append(record.json, durably: flaw != .ledgerNotSynchronized)
    }

    /// Writes a checkpoint, two of three with no more than the changes of an earlier one; it is on
    /// disk when this returns.
    func write(_ state: SimulatedState) throws(StorageError) {
        let isBase = base == nil || state.committed.isMultiple(of: 3)
        if isBase { base = (state.committed, state.table) }
        isOfChanges = !isBase
        func array(_ name: String, _ values: [Float], _ change: ArrayChange) -> ChangedArray {
            ChangedArray(
                SafetensorsEntry(name, .f32(Tensor(values, shape: [values.count, 1]))), change)
        }
        let before = base?.table ?? []
        let changed = state.table.indices.filter {
            $0 >= before.count || before[$0].bitPattern != state.table[$0].bitPattern
        }
        try checkpoints.write(
            step: state.committed, base: isBase ? nil : base?.step,
            files: [
                (
                    Self.file,
                    .changes([
                        array("version", state.version, .whole),
                        array("table", state.table, .rows(changed.map { Int32($0) })),
                        array("memory", state.memory, .whole),
                    ])
                )
            ],
            digests: [NamedDigest("all", state.digest)],
            logs: [LogLength("ledger", ledger.byteCount)], createdBy: "simulation")
    }

    /// Counts an opening in which something is in doubt; returns how many there have been.
    func noteDoubt() throws(StorageError) -> Int {
        doubts =
            flaw == .forgetsDoubts
            ? doubts + 1 : try EpochFile.noteDoubt(Self.path + "/epoch", fileSystem: files)
        return doubts
    }

    /// Notes that this start ends in order.
    func close() throws(StorageError) {
        guard flaw != .sameEpoch else { return }
        try EpochFile.end(
            Self.path + "/epoch", logs: [LogLength("ledger", ledger.byteCount)],
            fileSystem: files)
    }

    /// The records in a ledger that nobody writes any more.
    static func records(on files: any FileSystem) throws(StorageError) -> [StepRecord] {
        var records: [StepRecord] = []
        _ = try AppendOnlyLog.read(path + "/ledger", fileSystem: files) { _, value in
            if let record = StepRecord(json: value) { records.append(record) }
        }
        return records
    }
}
