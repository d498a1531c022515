import Datasets
import Identity
import Methods
import RunFiles
import Storage
import Tensors
import Verification

/// A sound state directory one of whose files is the input: the proof of a run by its files.
///
/// The first byte says which file.
enum StateTarget: Target {
    static let name = "state"

    private static let directory = "/run"
    private static let samples = 20
    private static let files = [
        "ledger", "numerics.json", "epoch", "run.yaml", "metrics.jsonl", "events.jsonl",
        "labels.safetensors",
    ]

    private static let sound = Result { try makeRun() }

    static func seeds() throws -> [[UInt8]] {
        let disk = try sound.get()
        return try files.enumerated().map { number, name in
            [UInt8(number)] + (try disk.bytes(of: "\(directory)/\(name)"))
        }
    }

    static func read(_ input: [UInt8]) -> DirectoryReport? {
        guard let file = file(input), let disk = try? sound.get().restart(.everything),
            (try? disk.put(Array(input.dropFirst()), at: "\(directory)/\(file)")) != nil
        else { return nil }
        let report = try? DirectoryReport(
            verifying: directory, computes: false, fileSystem: disk)
        return report?.isSound == true ? report : nil
    }

    static func check(_ report: DirectoryReport, of input: [UInt8]) throws(BrokenPromise) {
        let text = try promised("parsing the report") { try JSONValue(parsing: report.json.text) }
        try promise(text["sound"] == true, "a sound report says otherwise")
        guard let ledger = report.ledger else { throw BrokenPromise("there is no ledger") }
        try promise(
            ledger.workers.reduce(0) { $0 + $1.slices } == ledger.slices
                && ledger.leases >= ledger.slices && ledger.versions.count == ledger.steps,
            "the ledger's numbers do not add up")
    }

    static func bytesMax(_ input: [UInt8]) -> Int {
        // Logs are read a megabyte at a time, the run file takes what `RunFileTarget` says.
        bytesAlways + (8 << 20) + 2048 * input.count
    }

    static func sealed(_ input: [UInt8]) -> [UInt8] {
        guard let file = file(input) else { return input }
        let bytes = Array(input.dropFirst())
        let sealed =
            switch file {
            case "run.yaml": sealedText(bytes)
            case "labels.safetensors": SafetensorsTarget.sealed(bytes)
            default: sealedLog(bytes)
            }
        return [input[0]] + sealed
    }

    private static func file(_ input: [UInt8]) -> String? {
        input.first.map { files[Int($0) % files.count] }
    }

    /// A run of five steps, one data epoch and two steps, as it would have left its directory,
    /// before its first checkpoint.
    private static func makeRun() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let plan = try RunPlan(
            text: """
                method: mlcd
                steps: 40
                batch: {samples: 8, slices: 3, dropLast: false}
                network: {kind: vit, patch: 14, width: 8, depth: 1, heads: 2}
                mlcd: {dim: 8, centers: 8, positives: 2}
                """, file: "run.yaml")
        try disk.createDirectory(directory)
        func path(_ name: String) -> String { "\(directory)/\(name)" }
        try disk.writeSealedText(path("run.yaml"), plan.resolved.text)
        try disk.writeSealedObject(
            path("numerics.json"),
            [
                "data": .string(sha256("data").hex), "samples": .integer(Int64(samples)),
                "fingerprint": .string(sha256("bits").hex),
            ])
        try SafetensorsFile.write(
            [SafetensorsEntry("labels", .i32([1, 2, 3]))], to: path("labels.safetensors"),
            fileSystem: disk)
        let logs = try ["ledger", "metrics.jsonl", "events.jsonl"].map {
            try AppendOnlyLog(path: path($0), fileSystem: disk)
        }
        try disk.createDirectory(path("checkpoints"))
        _ = try EpochFile.advance(path("epoch"), fileSystem: disk)
        try logs[2].append(["epoch": 1, "text": "begun"])
        let sampler = plan.sampler(count: samples)
        for step in 0..<5 {
            try logs[0].append(record(step, sampler))
            try logs[1].append(["step": .integer(Int64(step)), "loss": 1.5])
        }
        return disk
    }

    private static func record(_ step: Int, _ sampler: StepSampler) -> JSONValue {
        let numbers = sampler.indices(step: step)
        let bytes = numbers.flatMap { number in (0..<4).map { UInt8(number >> (8 * $0) & 255) } }
        let slices = (0..<sampler.slices).filter { !sampler.rows(step: step, slice: $0).isEmpty }
        return [
            "step": .integer(Int64(step)),
            "dataEpoch": .integer(Int64(sampler.dataEpoch(step: step))),
            "samples": .string(sha256(bytes).hex),
            "version": .string(sha256("version \(step)").hex),
            "gradient": .string(sha256("gradient \(step)").hex),
            "next": .string(sha256("version \(step + 1)").hex),
            "slices": .array(
                slices.map { slice in
                    let rows = sampler.rows(step: step, slice: slice)
                    return [
                        "slice": .integer(Int64(slice)),
                        "rows": [
                            .integer(Int64(rows.lowerBound)), .integer(Int64(rows.upperBound)),
                        ],
                        "attempts": 1, "worker": .string("w\(slice)"),
                        "leaf": .string(sha256("leaf \(step) \(slice)").hex),
                    ]
                }),
        ]
    }
}
