import Identity

extension DirectoryReport {
    /// The report for people: every file with a word on it, what the ledger proves, what is wrong.
    public var text: String {
        let width = files.map(\.name.count).max() ?? 0
        var lines = files.map { file in
            let name = file.name + String(repeating: " ", count: width - file.name.count)
            let size = String(file.byteCount)
            let padding = String(repeating: " ", count: max(12 - size.count, 0))
            return "\(name) \(padding)\(size)  \(file.isSound ? "sound" : "DAMAGED")"
        }
        lines.append("")
        lines += ledgerLines
        lines += notes.map { "note: \($0)" }
        lines += problems.map { "DAMAGED: \($0)" }
        lines.append(isSound ? "sound" : "not sound: \(Self.counted(problems.count, "problem"))")
        return lines.joined(separator: "\n")
    }

    /// The report of the ledger's proof alone.
    public var ledgerText: String {
        var lines = ledgerLines
        lines += notes.map { "note: \($0)" }
        lines += problems.map { "WRONG: \($0)" }
        lines.append(
            isSound
                ? "proved: every sample of the schedule was counted exactly once"
                : "not proved: \(Self.counted(problems.count, "problem"))")
        return lines.joined(separator: "\n")
    }

    private var ledgerLines: [String] {
        guard let ledger else { return [] }
        let first = ledger.firstVersion?.shortHex ?? "?"
        var lines = [
            "ledger: \(ledger.steps) of \(ledger.stepsOfRun) steps, "
                + "\(Self.counted(ledger.samples, "sample")) in "
                + "\(Self.counted(ledger.slices, "slice")), "
                + "leased \(ledger.leases) times; "
                + "\(Self.counted(ledger.dataEpochs, "whole data epoch"))",
            "versions: from \(first) to \(ledger.versions.last?.shortHex ?? first)",
        ]
        if !ledger.workers.isEmpty {
            let shares = ledger.workers.map { "\($0.worker) \($0.slices)" }
            lines.append("slices by worker: " + shares.joined(separator: ", "))
        }
        if !ledger.checkpoints.isEmpty {
            let steps = ledger.checkpoints.map { "\($0)" }.joined(separator: ", ")
            lines.append("checkpoints that hold the version recorded: \(steps)")
        }
        return lines
    }

    private static func counted(_ count: Int, _ what: String) -> String {
        "\(count) \(what)\(count == 1 ? "" : "s")"
    }
}
