import Identity
import Methods
import Storage

/// Looks through a state directory, changing nothing: what is damaged, and whether its ledger
/// proves that every sample was counted exactly once.
///
/// It may be used beside a running coordinator. Checkpoints are looked at first, so that a log is
/// at least as long as they say; one that is removed meanwhile is passed over.
struct DirectoryAudit {
    private(set) var findings = Findings()
    private(set) var ledger: LedgerReport?

    private let state: StateFiles
    private let computes: Bool
    private let isWhole: Bool
    private var ledgerIsSound = true

    /// - Parameters:
    ///   - computes: whether this machine computes a run's first version to the same bits.
    ///   - isWhole: whether every file is read, or only what the ledger's proof needs.
    init(_ state: StateFiles, computes: Bool, isWhole: Bool) {
        (self.state, self.computes, self.isWhole) = (state, computes, isWhole)
    }

    /// Looks through everything.
    mutating func run() throws(StorageError) {
        let names = try state.fileSystem.list(state.directory)
        guard names.contains("run.yaml") || names.contains("ledger") else {
            throw .missing(path: state.path("run.yaml"))
        }
        // A process that was killed in its very first start has left the first files alone.
        let isBegun = names.contains("ledger") && (try? state.byteCount("ledger")) != 0
        let plan = readPlan()
        let samples = names.contains("numerics.json") || isBegun ? readNumerics() : nil
        let epoch = names.contains("epoch") || isBegun ? readEpoch() : nil
        var checkpoints = CheckpointAudit(state, plan: plan, isWhole: isWhole)
        try checkpoints.run(findings)
        findings = checkpoints.findings
        let lengths = checkpoints.lengths + (epoch?.ended ?? [])
        // Figures before the ledger, which a running coordinator writes first.
        let lastFigures = isWhole ? readMetrics(names, lengths) : nil
        readLedger(names, lengths, schedule(plan, samples), plan)
        compare(checkpoints.found)
        guard isWhole else { return }
        compare(lastFigures: lastFigures)
        readEvents(names, lengths)
        readOthers(names)
    }

    private mutating func readPlan() -> RunPlan? {
        findings.check("run.yaml", in: state) { state in
            let text = try state.fileSystem.readSealedText(
                state.path("run.yaml"), upTo: 1 << 20)
            return try RunPlan(text: text, file: "run.yaml")
        }
    }

    /// The number of samples that the run was begun with.
    private mutating func readNumerics() -> Int? {
        findings.check("numerics.json", in: state) { state in
            let value = try state.fileSystem.readSealedObject(state.path("numerics.json"))
            guard let samples = value["samples"]?.integer.flatMap({ Int(exactly: $0) }),
                let data = value["data"]?.string, Digest(hex: data) != nil,
                let fingerprint = value["fingerprint"]?.string, Digest(hex: fingerprint) != nil
            else { throw Finding("numerics.json", "lacks a digest or the number of samples") }
            return samples
        }
    }

    private mutating func readEpoch() -> EpochFile.Content? {
        findings.check("epoch", in: state) { state in
            let content = try EpochFile.read(state.path("epoch"), fileSystem: state.fileSystem)
            guard let content else { throw Finding("epoch", "is missing") }
            return content
        }
    }

    private mutating func schedule(_ plan: RunPlan?, _ samples: Int?) -> RunSchedule? {
        guard let plan, let samples else {
            findings.note("ledger", "not held against the schedule, which is not known")
            return nil
        }
        do throws(Finding) {
            return try RunSchedule(plan, count: samples)
        } catch {
            findings.add(error)
            return nil
        }
    }

    private mutating func readLedger(
        _ names: [String], _ lengths: [LogLength], _ schedule: RunSchedule?, _ plan: RunPlan?
    ) {
        var audit: LedgerAudit?
        if let schedule, let plan {
            let first = computes ? firstVersion(plan) : nil
            if first == nil {
                findings.note(
                    "ledger",
                    "the version with which the run begins was not computed: it takes "
                        + "the run's kind of processor and the weights that it begins with")
            }
            audit = LedgerAudit(schedule, firstVersion: first)
        }
        var wrong: Finding?
        let torn = readLog("ledger", names, lengths) { value in
            guard wrong == nil else { return }
            do throws(Finding) {
                try audit?.take(value)
            } catch {
                wrong = error
            }
        }
        if let wrong { findings.add(wrong) }
        ledger = audit?.report
        ledger?.tornByteCount = torn ?? 0
        ledgerIsSound = wrong == nil && torn != nil
    }

    /// The name of the first version; nil where the weights that it begins with are gone.
    private func firstVersion(_ plan: RunPlan) -> Digest? {
        guard let version = try? plan.firstVersion() else { return nil }  // a note says so
        return nameOfVersion(version)
    }

    /// Reads a log; gives the bytes of a torn end, or nil if it is damaged.
    private mutating func readLog(
        _ name: String, _ names: [String], _ lengths: [LogLength], _ visit: (JSONValue) -> Void
    ) -> Int? {
        let committed = LogLength.of(name, in: lengths)
        guard names.contains(name) || committed > 0 else {
            findings.note(name, "is not there yet")
            return 0
        }
        let scan = findings.check(name, in: state) { state in
            let scan = try LogScan(path: state.path(name), fileSystem: state.fileSystem) {
                _, value throws(StorageError) in visit(value)
            }
            if let (line, reason) = scan.damage(committedByteCount: committed) {
                throw Finding(name, line: line, reason)
            }
            if let line = scan.badLine, scan.badLineEnds {
                throw Finding(
                    name, line: line,
                    "line \(line) \(scan.badReason); it is whole, so that no killed process "
                        + "left it like that (a power cut may have); the next start cuts it off")
            }
            return scan
        }
        guard let scan else { return nil }
        let torn = scan.byteCount - scan.soundByteCount
        if torn > 0 {
            findings.note(
                name, line: scan.badLine,
                "ends in \(torn) bytes of a line that a crash has cut short; "
                    + "the next start cuts them off")
        }
        return torn
    }

    /// Holds the checkpoints against the ledger.
    private mutating func compare(_ checkpoints: [CheckpointAudit.Found]) {
        guard ledgerIsSound, let report = ledger else { return }
        for found in checkpoints {
            let step = found.step
            let manifest = "checkpoints/step-\(step)/\(CheckpointManifest.fileName)"
            guard step <= report.steps else {
                findings.add(
                    Finding(manifest, "is of step \(step), the ledger has \(report.steps)"))
                continue
            }
            let recorded = step > 0 ? report.versions[step - 1] : report.firstVersion
            guard let version = found.version, let recorded else { continue }
            guard recorded == version else {
                findings.add(
                    Finding(
                        manifest,
                        "the model is version \(version.shortHex), the ledger has "
                            + "\(recorded.shortHex) after \(step) steps"))
                continue
            }
            ledger?.checkpoints.append(step)
        }
    }

    /// The last step of which there are figures; nil if there is none, or damage.
    private mutating func readMetrics(_ names: [String], _ lengths: [LogLength]) -> Int64? {
        var last: Int64?
        var isRising = true
        let torn = readLog("metrics.jsonl", names, lengths) { value in
            let step = value["step"]?.integer ?? -1
            if step <= last ?? -1 { isRising = false }
            last = step
        }
        guard torn != nil else { return nil }
        if !isRising { findings.add(Finding("metrics.jsonl", "its steps do not rise")) }
        return isRising ? last : nil
    }

    private mutating func compare(lastFigures: Int64?) {
        guard let lastFigures, let steps = ledger?.steps, ledgerIsSound,
            lastFigures >= Int64(steps)
        else { return }
        findings.add(
            Finding("metrics.jsonl", "knows step \(lastFigures), which the ledger does not have"))
    }

    private mutating func readEvents(_ names: [String], _ lengths: [LogLength]) {
        var greatest = Int64(0)
        let torn = readLog("events.jsonl", names, lengths) { value in
            greatest = max(greatest, value["epoch"]?.integer ?? 0)
        }
        // Read once more: a start counts itself before it has events.
        let content = try? EpochFile.read(state.path("epoch"), fileSystem: state.fileSystem)
        guard torn != nil, let epoch = content?.epoch, greatest > Int64(epoch) else { return }
        findings.add(Finding("epoch", "is \(epoch), but events.jsonl knows of start \(greatest)"))
    }

    /// Folders of what was measured of models on the way, with the size of a file at most.
    private static let measures = [("evaluations", 4096), ("analyses", 1 << 18)]

    /// What was measured of models on the way.
    private mutating func readMeasures(_ folder: String, upTo limit: Int) {
        let names: [String]
        do throws(StorageError) {
            names = try state.fileSystem.list(state.path(folder))
        } catch {
            return findings.add(Finding(folder, error.reasonAlone))
        }
        for name in names.sorted() {
            let file = "\(folder)/\(name)"
            if name.hasSuffix(".tmp") {
                findings.note(file, "is being written, or was when a process died")
                continue
            }
            _ = findings.check(file, in: state) { state in
                try state.fileSystem.readSealedObject(state.path(file), upTo: limit)
            }
        }
    }

    /// What methods keep beside the run, and what does not belong to it.
    private mutating func readOthers(_ names: [String]) {
        let known = [
            "run.yaml", "numerics.json", "epoch", "lock", "ledger", "metrics.jsonl",
            "events.jsonl", "checkpoints",
        ]
        for name in names where !known.contains(name) {
            if let (folder, limit) = Self.measures.first(where: { $0.0 == name }) {
                readMeasures(folder, upTo: limit)
            } else if name.hasSuffix(".tmp") {
                findings.note(name, "is being written, or was when a process died")
            } else if name.hasSuffix(".safetensors") {
                _ = findings.check(name, in: state) { state in
                    let file = try SafetensorsFile(
                        contentsOf: state.path(name), fileSystem: state.fileSystem)
                    guard file.hasChecksum else {
                        throw Finding(name, "does not carry its checksum")
                    }
                }
            } else {
                findings.note(name, "is no part of a run; not checked")
            }
        }
    }
}
