import Identity
import Storage
import Testing

@testable import Verification

@Suite struct DirectoryReportTests {
    @Test func `a sound directory is called so, with every file`() throws {
        let run = try MadeRun(steps: 10, checkpoints: [6, 10])
        let report = try run.report()
        #expect(report.isSound && report.notes.isEmpty, "\(report.text)")
        let there = try run.disk.allFiles(MadeRun.directory).map { $0.dropFirst(5) }
        #expect(Set(report.files.map(\.name)) == Set(there.map(String.init)))
        #expect(report.text.hasSuffix("\nsound"))
        #expect(report.json["sound"] == true)
    }

    @Test(arguments: [true, false])
    func `one changed byte in any file is found, and the file named`(endsInOrder: Bool) throws {
        let run = try MadeRun(steps: 4, checkpoints: [2, 4], endsInOrder: endsInOrder)
        for path in try run.disk.allFiles(MadeRun.directory) {
            let byteCount = try run.disk.readFile(path, upTo: 1 << 20).count
            // All of the small files, and of the others a byte of every 61.
            let stride = stride(from: 0, to: byteCount, by: byteCount > 4000 ? 61 : 1)
            for place in Array(stride) + [byteCount - 1] {
                let mask = UInt8(1) << UInt8(place % 8)
                try run.disk.flip(path, at: place, mask: mask)
                let report = try run.report()
                let named = Set(report.problems.map { "\(MadeRun.directory)/\($0.file)" })
                #expect(named == [path], "byte \(place) of \(path): \(report.problems)")
                try run.disk.flip(path, at: place, mask: mask)
            }
        }
        #expect(try run.report().isSound)
    }

    @Test func `a last line that was cut short is a note behind what was committed`() throws {
        for name in ["ledger", "metrics.jsonl"] {
            let run = try MadeRun(steps: 6, checkpoints: [5], endsInOrder: false)
            let whole = try run.disk.readFile(run.path(name), upTo: 1 << 20)
            let lastLine = (whole.dropLast().lastIndex(of: 10) ?? 0) + 1
            let file = try run.disk.open(run.path(name), .append)
            // The metrics of a step whose record was lost know more than the ledger.
            for end in stride(from: whole.count - 1, to: lastLine, by: -7) where name == "ledger" {
                try file.truncate(to: end)
                let report = try run.ledgerReport()
                #expect(report.isSound, "\(end) of \(whole.count): \(report.problems)")
                #expect(report.ledger?.tornByteCount == end - lastLine)
                #expect(report.notes.map(\.file) == ["ledger"] && report.notes[0].line == 6)
            }
            if name != "ledger" {
                try file.truncate(to: whole.count - 3)
                #expect(try run.report().isSound)
            }
            // One line further, a checkpoint knows it to have been on disk.
            try file.truncate(to: lastLine - 3)
            let report = try run.report()
            #expect(report.problems.map(\.file) == [name], "\(report.problems)")
            #expect(report.problems.first?.line == 5)
        }
    }

    @Test func `after an orderly end no line can have been cut short`() throws {
        for name in ["ledger", "metrics.jsonl", "events.jsonl"] {
            let run = try MadeRun(steps: 6, checkpoints: [3])
            let byteCount = try run.disk.readFile(run.path(name), upTo: 1 << 20).count
            try run.disk.open(run.path(name), .append).truncate(to: byteCount - 1)
            #expect(try run.report().problems.map(\.file) == [name])
        }
    }

    @Test func `what is missing is named`() throws {
        let optional = ["labels.safetensors"]
        let run = try MadeRun(steps: 4, checkpoints: [2, 4])
        for path in try run.disk.allFiles(MadeRun.directory) {
            let name = String(path.dropFirst(5))
            let content = try run.disk.readFile(path, upTo: 1 << 20)
            try run.disk.removeFile(path)
            let report = try run.report()
            #expect(
                report.problems.map(\.file) == (optional.contains(name) ? [] : [name]),
                "\(name): \(report.problems)")
            try run.disk.writeFileDurably(path, content)
        }
    }

    @Test func `what a killed process leaves is noted and no damage`() throws {
        let run = try MadeRun(steps: 4, checkpoints: [2])
        try run.disk.createDirectory(run.path("checkpoints/writing.tmp"))
        try run.disk.createDirectory(run.path("checkpoints/damaged-1"))
        try run.disk.writeFileDurably(run.path("notes"), [1])
        let left = try run.disk.open(run.path("epoch.tmp"), .create)
        try left.write([1, 2])
        let report = try run.report()
        #expect(report.isSound)
        #expect(
            report.notes.map(\.file) == [
                "checkpoints/damaged-1", "checkpoints/writing.tmp", "epoch.tmp", "notes",
            ])
    }

    @Test func `a file that a manifest does not list is named`() throws {
        let run = try MadeRun(steps: 4, checkpoints: [2])
        try run.disk.writeFileDurably(run.path("checkpoints/step-2/more"), [1])
        #expect(try run.report().problems.map(\.file) == ["checkpoints/step-2/more"])
    }

    @Test func `a checkpoint or figures beyond the ledger are named`() throws {
        let run = try MadeRun(steps: 4, checkpoints: [], endsInOrder: false)
        let log = try AppendOnlyLog(path: run.path("metrics.jsonl"), fileSystem: run.disk)
        try log.append(["step": 4])
        #expect(try run.report().problems.map(\.file) == ["metrics.jsonl"])
        let events = try AppendOnlyLog(path: run.path("events.jsonl"), fileSystem: run.disk)
        try events.append(["epoch": 2])
        #expect(try run.report().problems.map(\.file) == ["metrics.jsonl", "epoch"])
    }

    @Test func `a directory without a run is an error of its own`() throws {
        let disk = SimulatedDisk()
        #expect(throws: StorageError.missing(path: "/x")) {
            try DirectoryReport(verifying: "/x", computes: true, fileSystem: disk)
        }
        try disk.createDirectory("/x")
        #expect(throws: StorageError.missing(path: "/x/run.yaml")) {
            try DirectoryReport(verifying: "/x", computes: true, fileSystem: disk)
        }
    }

    @Test func `where the first version cannot be computed the report says so`() throws {
        let run = try MadeRun(steps: 3)
        let report = try DirectoryReport(
            provingLedgerOf: MadeRun.directory, computes: false, fileSystem: run.disk)
        #expect(report.isSound && report.notes.map(\.file) == ["ledger"])
    }
}
