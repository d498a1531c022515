import CoordinatorCore
import Datasets
import Identity
import Logging
import Methods
import Storage
import Testing

@testable import CoordinatorDaemon

/// A state directory whose disk loses its power, or fails once, at every operation.
@Suite struct RunDirectoryTests {
    private static let run: LoadedRun? = {
        let text = """
            method: mlcd
            steps: 9
            batch: {samples: 8, slices: 2}
            network: {kind: vit, patch: 7, width: 32, depth: 1, heads: 2}
            mlcd: {dim: 32, centers: 16, positives: 2}
            """
        let dataset = ImageDataset(
            name: "synthetic", channels: 1, height: 28, width: 28, classCount: 2,
            pixels: [UInt8](repeating: 7, count: 32 * 784),
            labels: [UInt8](repeating: 1, count: 32),
            statistics: ChannelStatistics(mean: [0.286], deviation: [0.353]),
            manifest: DataManifest(entries: []))
        // A run file that cannot be read fails every test below.
        guard let plan = try? RunPlan(text: text, file: "run.yaml") else { return nil }
        return LoadedRun(plan: plan, dataset: dataset, fingerprint: sha256("bits"))
    }()

    /// What was acknowledged before something failed.
    private struct Acknowledged {
        var epoch: UInt32 = 0
        var steps = 0
        var checkpoint = 0
        var doubts = 0
    }

    private func open(_ disk: SimulatedDisk) throws -> RunDirectory {
        try RunDirectory(
            opening: "/run", for: try #require(Self.run), logger: silentLogger, files: disk)
    }

    private func record(_ step: Int) -> LedgerRecord {
        LedgerRecord(
            step: step, dataEpoch: step / 4, samples: sha256("samples \(step)").hex,
            version: sha256("\(step)").hex, gradient: sha256("gradient \(step)").hex,
            next: sha256("\(step + 1)").hex,
            slices: [
                LedgerRecord.Slice(
                    slice: 0, firstRow: 0, endRow: 8, attempts: 1, worker: "w1",
                    leaf: sha256("leaf \(step)").hex)
            ])
    }

    /// One start of a coordinator: it takes up what is there, makes steps up to `last`, with a
    /// checkpoint after every second one, and ends in order.
    private func work(
        _ disk: SimulatedDisk, upTo last: Int, _ done: inout Acknowledged
    ) throws {
        let directory = try open(disk)
        done.epoch = directory.epoch
        directory.appendEvent(level: .info, text: "begun")
        var committed = try directory.checkpoints.newest().checkpoint?.step ?? 0
        try directory.cutMetrics(after: committed)
        while committed < last {
            if committed >= directory.tailAtOpening.stepCount {
                try directory.append(record(committed))
            }
            committed += 1
            done.steps = max(done.steps, committed)
            try directory.append(
                StepFigures(
                    step: committed - 1, samples: 8, rate: 0.1, gradientNorm: 1,
                    phases: PhaseSeconds(), figures: []),
                secondsSinceStart: 1)
            if committed == 1 { done.doubts = max(done.doubts, try directory.noteDoubt()) }
            guard committed.isMultiple(of: 2) else { continue }
            let logs = directory.logLengths
            try directory.synchronizeFigures()
            try directory.checkpoints.write(
                step: committed, files: [("model", .bytes([UInt8](repeating: 3, count: 600)))],
                digests: [], logs: logs, createdBy: "tests")
            done.checkpoint = max(done.checkpoint, committed)
        }
        directory.close()
    }

    /// What must hold whenever a directory is opened again.
    private func expectRecovered(_ disk: SimulatedDisk, _ done: Acknowledged, _ what: String) throws
    {
        let directory = try open(disk)
        #expect(directory.epoch > done.epoch, "\(what)")
        let steps = directory.tailAtOpening.stepCount
        #expect(steps == done.steps || steps == done.steps + 1, "\(what): \(steps) steps")
        let doubts = directory.doubtsAtOpening
        #expect(doubts == done.doubts || doubts == done.doubts + 1, "\(what): \(doubts) doubts")
        let (checkpoint, rejected) = try directory.checkpoints.newest()
        let step = checkpoint?.step ?? 0
        #expect(step >= done.checkpoint && step <= steps, "\(what): a checkpoint of \(step)")
        let tail = directory.tailAtOpening
        #expect(tail.records(from: step) == (step..<steps).map(record), "\(what)")
        if step > 0 { #expect(tail.record(of: step - 1) == record(step - 1), "\(what)") }
        #expect(rejected.isEmpty, "\(what): \(rejected)")
    }

    /// What must hold at an orderly end: every byte of every log is accounted for.
    private func expectWhole(_ disk: SimulatedDisk, steps: Int, _ what: String) throws {
        let ended = try #require(
            try EpochFile.read("/run/epoch", fileSystem: disk)?.ended, "\(what)")
        for log in ["ledger", "metrics.jsonl", "events.jsonl"] {
            let scan = try LogScan(path: "/run/\(log)", fileSystem: disk)
            #expect(scan.badLine == nil && scan.byteCount == LogLength.of(log, in: ended))
            if log != "events.jsonl" { #expect(scan.ends.count == steps, "\(what): \(log)") }
        }
    }

    private static let survivals: [SimulatedDisk.Survival] = [
        .nothing, .everything, .drawn(seed: 1, blockBytes: 512), .drawn(seed: 2, blockBytes: 4096),
    ]

    @Test func `a power cut at any operation of a start loses nothing that was acknowledged`()
        throws
    {
        let trial = SimulatedDisk()
        var unused = Acknowledged()
        try work(trial, upTo: 3, &unused)
        try work(trial, upTo: 6, &unused)
        #expect(trial.operationCount > 100)
        for cut in 0..<trial.operationCount {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                disk.cutPower(at: cut)
                var done = Acknowledged()
                do {
                    try work(disk, upTo: 3, &done)
                    try work(disk, upTo: 6, &done)
                } catch { /* the power cut that is tried */  }
                let what = "cut at \(cut), \(survival)"
                let after = disk.restart(survival)
                try expectRecovered(after, done, what)
                try work(after, upTo: 6, &done)
                try expectWhole(after.restart(.nothing), steps: 6, what)
            }
        }
    }

    @Test(arguments: [false, true])
    func `a fault of any operation loses nothing, whether or not the power goes next`(
        isFull: Bool
    ) throws {
        let trial = SimulatedDisk()
        var unused = Acknowledged()
        try work(trial, upTo: 4, &unused)
        for number in 0..<trial.operationCount {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                disk.failOperation(number, diskFull: isFull)
                var done = Acknowledged()
                do {
                    try work(disk, upTo: 4, &done)
                } catch let error as StorageError {
                    #expect(error.description.hasPrefix("/"), "it says where: \(error)")
                }
                disk.failOperation(.max)
                // The program is started once more on the same system, then the power goes.
                let what = "fault at \(number), \(survival)"
                try expectRecovered(disk, done, what)
                let counted = try open(disk).tailAtOpening.stepCount
                let after = disk.restart(survival)
                done.epoch += 2
                done.steps = counted
                let found = try open(after)
                #expect(found.tailAtOpening.stepCount == counted, "\(what)")
                #expect(found.epoch > done.epoch, "\(what)")
                try work(after, upTo: 6, &done)
                try expectWhole(after.restart(.nothing), steps: 6, what)
            }
        }
    }
}
