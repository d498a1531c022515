import CoordinatorCore
import Datasets
import Foundation
import Identity
import Messages
import Methods
import RunFiles
import Storage

/// The state directory of a run, held by one coordinator at a time.
///
/// Opening it checks that it belongs to this run, this data and these numerics;
/// `docs/operations.md` lists its files.
final class RunDirectory: Sendable {
    let path: String
    /// This start of the coordinator on the directory: counted, and on disk before it listens.
    let epoch: UInt32
    let checkpoints: CheckpointStore
    /// The records that the ledger held when it was opened, in step order.
    let recordsAtOpening: [LedgerRecord]
    private let lock: RunLock
    private let ledger: AppendOnlyLog
    private let metrics: AppendOnlyLog
    private let events: AppendOnlyLog

    /// Takes the directory for a run; makes it if it is missing.
    ///
    /// - Throws: `DaemonError` if it belongs to another run, other data or other numerics;
    ///   `StorageError` if it is in use, damaged, or cannot be written.
    init(opening path: String, for run: LoadedRun) throws {
        self.path = path
        let files = LocalFileSystem()
        try files.createDirectoryDurably(path)
        lock = try RunLock(path: path + "/lock")
        try RunDirectory.claim(path, for: run, files: files)
        epoch = try EpochFile.advance(path + "/epoch")
        checkpoints = try CheckpointStore(
            directory: path + "/checkpoints", keptCount: run.plan.settings.checkpoint.keep)
        var records: [LedgerRecord] = []
        let ledgerPath = path + "/ledger"
        ledger = try AppendOnlyLog(path: ledgerPath) { index, value throws(StorageError) in
            guard let record = LedgerRecord(json: value), record.step == index else {
                throw .damaged(
                    path: ledgerPath, reason: "line \(index + 1) is no record of step \(index)")
            }
            records.append(record)
        }
        recordsAtOpening = records
        metrics = try AppendOnlyLog(path: path + "/metrics.jsonl", middleDamage: .cut)
        events = try AppendOnlyLog(path: path + "/events.jsonl", middleDamage: .cut)
        for log in [ledger, metrics, events] where log.cutByteCount > 0 {
            appendEvent(
                level: .warning,
                text: "\(log.path): cut \(log.cutByteCount) bytes of a line that was not complete")
        }
    }

    /// Appends a committed step to the ledger; it is on disk when this returns.
    func append(_ record: LedgerRecord) throws(StorageError) {
        try ledger.append(record.json)
    }

    /// Appends a step's figures.
    ///
    /// They are not needed for recovery, so they are not waited for.
    func append(_ figures: StepFigures, secondsSinceStart: Double) throws(StorageError) {
        try metrics.append(figures.json(seconds: secondsSinceStart), durably: false)
    }

    /// Cuts off the figures of steps that will be made again.
    ///
    /// Lines may be missing before them: a power cut takes what was not synced.
    func cutMetrics(after committed: Int) throws(StorageError) {
        var kept = metrics.count
        _ = try AppendOnlyLog.read(metrics.path) { index, value throws(StorageError) in
            let step = value["step"]?.integer ?? 0
            if step >= Int64(committed) { kept = min(kept, index) }
        }
        if kept < metrics.count { try metrics.truncate(after: kept) }
    }

    /// Appends something that an operator may want to know later.
    func appendEvent(level: NoteLevel, text: String) {
        let record: JSONValue = [
            "time": .string(ISO8601DateFormatter().string(from: Date())),
            "epoch": .integer(Int64(epoch)),
            "level": .string(level == .warning ? "warning" : "info"),
            "text": .string(text),
        ]
        // A full disk fails the next commit, which says so; an event must not end the run first.
        try? events.append(record, durably: false)
    }

    /// Checks that the directory is this run's, or makes it so.
    private static func claim(
        _ path: String, for run: LoadedRun, files: LocalFileSystem
    ) throws {
        let runFile = path + "/run.yaml"
        let numerics = path + "/numerics.json"
        if files.exists(runFile) {
            let held = try RunPlan(contentsOf: runFile)
            let first = differences(held.resolved.bitsText, run.plan.resolved.bitsText).first
            if let first { throw DaemonError.anotherRun(directory: path, difference: "\(first)") }
        }
        if files.exists(numerics) {
            let bytes = try files.readFile(numerics, upTo: 4096)
            let value = try NumericsRecord(json: bytes, path: numerics)
            if value.data != run.dataset.digest.hex { throw DaemonError.otherData(directory: path) }
            if value.fingerprint != run.fingerprint.hex {
                throw DaemonError.otherFingerprint(directory: path)
            }
        }
        try files.writeFileDurably(runFile, Array(run.plan.resolved.text.utf8))
        let record = NumericsRecord(
            data: run.dataset.digest.hex, fingerprint: run.fingerprint.hex)
        try files.writeFileDurably(numerics, record.json)
    }
}

/// What a run was made with: recorded at its first start, compared at every other.
struct NumericsRecord: Codable {
    /// Digest of the data set.
    var data: String
    /// Digest of the numerics canary.
    var fingerprint: String

    init(data: String, fingerprint: String) {
        self.data = data
        self.fingerprint = fingerprint
    }

    init(json bytes: [UInt8], path: String) throws {
        do {
            self = try JSONDecoder().decode(NumericsRecord.self, from: Data(bytes))
        } catch {
            throw DaemonError.badState(file: path, reason: "does not hold two digests")
        }
    }

    var json: [UInt8] {
        Array("{\"data\": \"\(data)\", \"fingerprint\": \"\(fingerprint)\"}\n".utf8)
    }
}
