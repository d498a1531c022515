import Optimizers
public import Storage

extension LedgerRecord {
    /// The record as a line of the ledger, before the checksum.
    var json: JSONValue {
        [
            "step": .integer(Int64(step)),
            "dataEpoch": .integer(Int64(dataEpoch)),
            "samples": .string(samples),
            "version": .string(version),
            "gradient": .string(gradient),
            "next": .string(next),
            "slices": .array(slices.map(\.json)),
        ]
    }

    /// The record of a line of the ledger, or nil if the line is something else.
    public init?(json: JSONValue) {
        guard let step = json["step"]?.integer, let dataEpoch = json["dataEpoch"]?.integer,
            let samples = json["samples"]?.string, let version = json["version"]?.string,
            let gradient = json["gradient"]?.string, let next = json["next"]?.string,
            let slices = json["slices"]?.array
        else { return nil }
        let parsed = slices.compactMap(Slice.init(json:))
        guard parsed.count == slices.count else { return nil }
        self.init(
            step: Int(step), dataEpoch: Int(dataEpoch), samples: samples, version: version,
            gradient: gradient, next: next, slices: parsed)
    }
}

extension LedgerRecord.Slice {
    var json: JSONValue {
        [
            "slice": .integer(Int64(slice)),
            "rows": .array([.integer(Int64(firstRow)), .integer(Int64(endRow))]),
            "attempts": .integer(Int64(attempts)),
            "worker": .string(worker),
            "leaf": .string(leaf),
        ]
    }

    init?(json: JSONValue) {
        guard let slice = json["slice"]?.integer, let rows = json["rows"]?.array, rows.count == 2,
            let firstRow = rows[0].integer, let endRow = rows[1].integer,
            let attempts = json["attempts"]?.integer, let worker = json["worker"]?.string,
            let leaf = json["leaf"]?.string
        else { return nil }
        self.init(
            slice: Int(slice), firstRow: Int(firstRow), endRow: Int(endRow),
            attempts: Int(attempts), worker: worker, leaf: leaf)
    }
}

extension StepFigures {
    /// The figures as a line of `metrics.jsonl`.
    func json(seconds: Double) -> JSONValue {
        var members = [
            JSONMember("step", .integer(Int64(step))),
            JSONMember("seconds", .number(seconds)),
            JSONMember("samples", .integer(Int64(samples))),
            JSONMember("learning_rate", .number(rate)),
            JSONMember("gradient_norm", .number(gradientNorm)),
            JSONMember("answer_seconds", .number(phases.answers)),
        ]
        members += phases.named.map { JSONMember("\($0.name)_seconds", .number($0.seconds)) }
        members += figures.map { JSONMember($0.name, .number($0.value)) }
        return .object(members)
    }
}
