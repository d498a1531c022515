import CoordinatorCore
import Datasets
import Foundation
import Identity
import Logging
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
    /// Openings of steps in which something was in doubt, of all starts before this one.
    let doubtsAtOpening: Int
    let checkpoints: CheckpointStore
    /// The end of the ledger, as it was when it was opened.
    let tailAtOpening: LedgerTail
    private let files: any FileSystem
    private let logger: Logger
    private let lock: RunLock?
    private let ledger: AppendOnlyLog
    private let metrics: AppendOnlyLog
    private let events: AppendOnlyLog

    /// Takes the directory for a run; makes it if it is missing.
    ///
    /// - Parameter files: the disk; only the computer's own one can be locked.
    /// - Throws: `DaemonError` if it belongs to another run, other data or other numerics;
    ///   `StorageError` if it is in use, damaged, or cannot be written.
    init(
        opening path: String, for run: LoadedRun, logger: Logger,
        files: any FileSystem = LocalFileSystem()
    ) throws {
        (self.path, self.logger, self.files) = (path, logger, files)
        try files.createDirectoryDurably(path)
        lock = files is LocalFileSystem ? try RunLock(path: path + "/lock") : nil
        try RunDirectory.claim(path, for: run, files: files)
        checkpoints = try CheckpointStore(
            directory: path + "/checkpoints", keptCount: run.plan.settings.checkpoint.keep,
            fileSystem: files)
        let last = try EpochFile.read(path + "/epoch", fileSystem: files)
        doubtsAtOpening = last?.doubts ?? 0
        let lengths = try checkpoints.logLengths() + (last?.ended ?? [])
        func open(
            _ name: String, _ damage: AppendOnlyLog.MiddleDamage,
            _ visit: (Int, JSONValue) throws(StorageError) -> Void = { _, _ throws(StorageError) in
            }
        ) throws(StorageError) -> AppendOnlyLog {
            try AppendOnlyLog(
                path: "\(path)/\(name)", committedByteCount: LogLength.of(name, in: lengths),
                middleDamage: damage, fileSystem: files, visit: visit)
        }
        var tail = LedgerTail(oldestCheckpoint: try checkpoints.steps().first)
        ledger = try open("ledger", .refuse) { index, value throws(StorageError) in
            guard let record = LedgerRecord(json: value), record.step == index else {
                throw .damaged(
                    path: path + "/ledger",
                    reason: "line \(index + 1) is no record of step \(index)")
            }
            tail.append(record)
        }
        tailAtOpening = tail
        metrics = try open("metrics.jsonl", .cut)
        events = try open("events.jsonl", .cut)
        // After the ledger, whose refusal must not wipe out how the last start ended.
        epoch = try EpochFile.advance(path + "/epoch", fileSystem: files)
        for log in [ledger, metrics, events] where log.cutByteCount > 0 {
            warn("\(log.path): cut \(log.cutByteCount) bytes of a line that was not complete")
        }
    }

    /// How long each log is; of the ledger all of it is on disk.
    var logLengths: [LogLength] {
        [
            LogLength("ledger", ledger.byteCount), LogLength("metrics.jsonl", metrics.byteCount),
            LogLength("events.jsonl", events.byteCount),
        ]
    }

    /// Makes metrics and events durable that were appended so far.
    func synchronizeFigures() throws(StorageError) {
        try metrics.synchronize()
        try events.synchronize()
    }

    /// Counts an opening in which something is in doubt; it is on disk when this returns.
    ///
    /// - Returns: how many there have been on this directory.
    func noteDoubt() throws(StorageError) -> Int {
        try EpochFile.noteDoubt(path + "/epoch", fileSystem: files)
    }

    /// Notes that this start ends in order, and how long the logs are: from then on no byte of
    /// them can be taken for the torn end that a crash leaves.
    func close() {
        do throws(StorageError) {
            let lengths = logLengths
            try synchronizeFigures()
            try EpochFile.end(path + "/epoch", logs: lengths, fileSystem: files)
        } catch {
            // The next start then reads the logs as after a kill, which is what this is like.
            logger.warning("\(error)")
        }
    }

    /// Says something that an operator acts on, in the log and for later.
    func warn(_ text: String) {
        logger.warning("\(text)")
        appendEvent(level: .warning, text: text)
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
        _ = try AppendOnlyLog.read(metrics.path, fileSystem: files) {
            index, value throws(StorageError) in
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
        _ path: String, for run: LoadedRun, files: any FileSystem
    ) throws {
        let runFile = path + "/run.yaml"
        let numerics = path + "/numerics.json"
        if files.exists(runFile) {
            let held = try StoredRun.plan(runFile, files)
            let first = differences(held.resolved.bitsText, run.plan.resolved.bitsText).first
            if let first { throw DaemonError.anotherRun(directory: path, difference: "\(first)") }
        }
        let own = NumericsRecord(
            data: run.dataset.digest.hex, samples: run.dataset.count,
            fingerprint: run.fingerprint.hex)
        if files.exists(numerics) {
            let held = try NumericsRecord(contentsOf: numerics, files)
            if held.data != own.data || held.samples != own.samples {
                throw DaemonError.otherData(directory: path)
            }
            if held.fingerprint != own.fingerprint {
                throw DaemonError.otherFingerprint(directory: path)
            }
        }
        try files.writeSealedText(runFile, run.plan.resolved.text)
        try files.writeSealedObject(numerics, own.json)
    }
}

/// What a run was made with: recorded at its first start, compared at every other.
struct NumericsRecord: Hashable {
    /// Digest of the data set.
    var data: String
    /// Samples in the data set.
    var samples: Int
    /// Digest of the numerics canary.
    var fingerprint: String

    init(data: String, samples: Int, fingerprint: String) {
        (self.data, self.samples, self.fingerprint) = (data, samples, fingerprint)
    }

    /// The record in a file.
    init(contentsOf path: String, _ files: any FileSystem) throws {
        let value = try files.readSealedObject(path)
        guard let data = value["data"]?.string, let samples = value["samples"]?.integer,
            let fingerprint = value["fingerprint"]?.string
        else {
            throw DaemonError.badState(
                file: path, reason: "does not hold two digests and a number of samples")
        }
        self.init(data: data, samples: Int(samples), fingerprint: fingerprint)
    }

    var json: JSONValue {
        [
            "data": .string(data), "samples": .integer(Int64(samples)),
            "fingerprint": .string(fingerprint),
        ]
    }
}
