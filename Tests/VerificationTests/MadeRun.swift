import Datasets
import Identity
import Methods
import Networks
import RunFiles
import Storage
import Tensors

@testable import Verification

/// A state directory on a simulated disk as a run would have left it, made without one.
struct MadeRun {
    static let directory = "/run"
    static let samples = 50

    /// What is changed about a record before it is sealed: a forgery with a valid checksum.
    typealias Forgery = @Sendable (inout [JSONMember]) -> Void

    let disk = SimulatedDisk()
    let plan: RunPlan
    /// The records as they were written.
    private(set) var records: [JSONValue] = []

    /// The run file: 50 samples, 7 steps of 8 in 3 slices a data epoch, the last one of 2.
    static func text(dropLast: Bool = false, steps: Int = 40) -> String {
        """
        method: mlcd
        seed: 3
        steps: \(steps)
        batch: {samples: 8, slices: 3, dropLast: \(dropLast)}
        network: {kind: vit, patch: 14, width: 8, depth: 1, heads: 2}
        mlcd: {dim: 8, centers: 8, positives: 2}
        """
    }

    /// - Parameters:
    ///   - steps: committed steps.
    ///   - checkpoints: those there are; the logs are known to be on disk up to the last one.
    ///   - endsInOrder: whether the epoch file says how long the logs were.
    ///   - forgeries: by step.
    init(
        steps: Int, dropLast: Bool = false, checkpoints: [Int] = [], endsInOrder: Bool = true,
        forgeries: [Int: Forgery] = [:]
    ) throws {
        plan = try RunPlan(text: Self.text(dropLast: dropLast), file: "run.yaml")
        try disk.createDirectory(Self.directory)
        try disk.writeSealedText(path("run.yaml"), plan.resolved.text)
        try disk.writeSealedObject(
            path("numerics.json"),
            [
                "data": .string(sha256("data").hex), "samples": .integer(Int64(Self.samples)),
                "fingerprint": .string(sha256("bits").hex),
            ])
        try SafetensorsFile.write(
            [SafetensorsEntry("labels", .i32([1, 2, 3]))], metadata: [("source", "x")],
            to: path("labels.safetensors"), fileSystem: disk)
        let logs = try ["ledger", "metrics.jsonl", "events.jsonl"].map {
            try AppendOnlyLog(path: path($0), fileSystem: disk)
        }
        let store = try CheckpointStore(
            directory: path("checkpoints"), keptCount: max(2, checkpoints.count),
            fileSystem: disk)
        func lengths() -> [LogLength] {
            zip(["ledger", "metrics.jsonl", "events.jsonl"], logs).map {
                LogLength($0, $1.byteCount)
            }
        }
        _ = try EpochFile.advance(path("epoch"), fileSystem: disk)
        try logs[2].append(["epoch": 1, "text": "begun"])
        for step in 0..<steps {
            if checkpoints.contains(step) { try write(store, step, lengths()) }
            var record = self.record(step)
            if let forgery = forgeries[step], var members = record.members {
                forgery(&members)
                record = .object(members)
            }
            records.append(record)
            try logs[0].append(record)
            try logs[1].append(["step": .integer(Int64(step)), "loss": 1.5])
        }
        if checkpoints.contains(steps) { try write(store, steps, lengths()) }
        if endsInOrder {
            try EpochFile.end(path("epoch"), logs: lengths(), fileSystem: disk)
        }
    }

    func path(_ name: String) -> String { "\(Self.directory)/\(name)" }

    /// What verification finds.
    func report() throws -> DirectoryReport {
        try DirectoryReport(verifying: Self.directory, computes: true, fileSystem: disk)
    }

    func ledgerReport() throws -> DirectoryReport {
        try DirectoryReport(provingLedgerOf: Self.directory, computes: true, fileSystem: disk)
    }

    /// The parameters after so many steps.
    func version(_ step: Int) -> VersionTensors {
        let layout = plan.method.layout
        var parameters = layout.initialised(seed: plan.settings.seed)
        if step > 0 {
            // Entry by entry: between entries lie floats that are no parameters.
            parameters = layout.parameters.gathered(
                layout.parameters.entries.indices.map { index in
                    let view = layout.parameters.view(of: parameters, index)
                    return Tensor(view.values.map { $0 + Float(step) }, shape: view.shape)
                })
        }
        return VersionTensors(parameters: parameters, buffers: layout.initialisedBuffers())
    }

    func name(_ step: Int) -> Digest {
        let version = version(step)
        return nameOfVersion(version)
    }

    private func write(_ store: CheckpointStore, _ step: Int, _ logs: [LogLength]) throws {
        let layout = plan.method.layout.parameters
        let parameters = version(step).parameters
        let entries = layout.entries.indices.map { index in
            SafetensorsEntry(
                layout.entries[index].name, .f32(layout.view(of: parameters, index)))
        }
        try store.write(
            step: step,
            files: [
                ("model.safetensors", .safetensors(entries)),
                ("tables.safetensors", .safetensors([SafetensorsEntry("t", .f32(Tensor(2)))])),
            ], digests: [NamedDigest("all", sha256("all"))], logs: logs, createdBy: "tests")
    }

    private func record(_ step: Int) -> JSONValue {
        let sampler = plan.sampler(count: Self.samples)
        let samples = sampler.indices(step: step)
        let bytes = samples.flatMap { sample in (0..<4).map { UInt8(sample >> (8 * $0) & 255) } }
        let slices = (0..<sampler.slices).filter { !sampler.rows(step: step, slice: $0).isEmpty }
        return [
            "step": .integer(Int64(step)),
            "dataEpoch": .integer(Int64(sampler.dataEpoch(step: step))),
            "samples": .string(sha256(bytes).hex),
            "version": .string(name(step).hex),
            "gradient": .string(sha256("gradient \(step)").hex),
            "next": .string(name(step + 1).hex),
            "slices": .array(
                slices.map { slice in
                    let rows = sampler.rows(step: step, slice: slice)
                    return [
                        "slice": .integer(Int64(slice)),
                        "rows": [
                            .integer(Int64(rows.lowerBound)), .integer(Int64(rows.upperBound)),
                        ],
                        "attempts": .integer(slice == 1 ? 2 : 1),
                        "worker": .string(slice == 0 ? "a" : "b"),
                        "leaf": .string(sha256("leaf \(step) \(slice)").hex),
                    ]
                }),
        ]
    }
}

extension [JSONMember] {
    /// Puts another value in place of a member's.
    mutating func set(_ key: String, _ value: JSONValue) {
        for index in indices where self[index].key == key { self[index].value = value }
    }

    /// Changes the slices of a record.
    mutating func changeSlices(_ change: (inout [JSONValue]) -> Void) {
        var slices = JSONValue.object(self)["slices"]?.array ?? []
        change(&slices)
        set("slices", .array(slices))
    }

    /// Changes a member of a slice of a record.
    mutating func setSlice(_ slice: Int, _ key: String, _ value: JSONValue) {
        changeSlices { slices in
            var members = slices[slice].members ?? []
            members.set(key, value)
            slices[slice] = .object(members)
        }
    }
}
