import ArgumentParser
internal import Foundation
internal import Glibc
internal import Optimizers
internal import Storage
internal import Tables
internal import Tensors

/// `bench checkpoint`: a table to the disk and back.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "A table of class centers to the disk and back.",
        discussion: """
            By default 524,288 centers of 512 floats with momentum, 2 GiB. write: a checkpoint of \
            all of it, synchronised and read back. restore: from the newest checkpoint to a table \
            that can go on, every block compared, with the files in memory (warm) and not (cold); \
            read_seconds are those of one thread that reads the same files into one buffer, as \
            cat does. Then a checkpoint of what has changed, --share of the rows, and the restore \
            of both files.

            Example:
              deploy/bench checkpoint --directory runs
            """)

    @Option(help: "Where the files are made, and removed again.")
    var directory = "."

    @Option(help: "Centers.")
    var centers = 524_288

    @Option(help: "Floats of a center.")
    var dim = 512

    @Option(help: "The share of rows that move before the checkpoint of changes.")
    var share = 0.1

    @Option(help: "How often each is measured.")
    var turns = 3

    private static let file = "tables.safetensors"

    func run() throws {
        let folder = "\(directory)/bench-checkpoint-\(getpid())"
        try LocalFileSystem().createDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what is left is named so
        let store = try CheckpointStore(directory: folder + "/checkpoints")
        var table = emptyTable
        move(&table, share: 1)
        let written = try seconds {
            try write(&table, step: 1, base: nil, store)
        }
        let path = folder + "/checkpoints/step-1/" + Self.file
        let bytes = try LocalFileSystem().open(path, .read).byteCount()
        var line = CaseLine("whole")
        line.set("gigabytes", Double(bytes) * 1e-9)
        line.set("write_seconds", written)
        for isCold in [false, true] {
            var (plain, ours): ([Double], [Double]) = ([], [])
            for _ in 0..<turns {
                if isCold { try forget(path) }
                plain.append(try seconds { try read(path) })
                if isCold { try forget(path) }
                ours.append(try seconds { try restore(store, expected: 1) })
            }
            let name = isCold ? "cold" : "warm"
            line.set("read_seconds_\(name)", median(plain))
            line.set("restore_seconds_\(name)", median(ours))
            line.set("restore_gigabytes_per_second_\(name)", Double(bytes) * 1e-9 / median(ours))
            line.set("ratio_\(name)", median(plain) / median(ours))
        }
        line.write()

        table.countChangesFromHere()
        move(&table, share: share)
        var changes = CaseLine("changes")
        changes.set("write_seconds", try seconds { try write(&table, step: 2, base: 1, store) })
        let size = try LocalFileSystem().open(
            folder + "/checkpoints/step-2/tables.changes.safetensors", .read
        ).byteCount()
        changes.set("gigabytes", Double(size) * 1e-9)
        changes.set(
            "restore_seconds_warm",
            median(try (0..<turns).map { _ in try seconds { try restore(store, expected: 2) } }))
        changes.set("peak_rss_mib", PeakMemory.mebibytes())
        changes.write()
    }

    private var emptyTable: CenterTable {
        CenterTable(
            unmade: CenterTable.Settings(
                rowCount: centers, dim: dim, rate: 0.1,
                rule: .sgd(SGDMomentum(weightDecay: 0)), seed: 1, threads: 2))
    }

    private func move(_ table: inout CenterTable, share: Double) {
        let part = 4096
        let gradient = CounterRandom(seed: 4, stream: .test).normalTensor([part, dim])
        for first in stride(from: 0, to: centers, by: part) {
            let count = Int(share * Double(min(part, centers - first)))
            let rows = (first..<(first + count)).map { Int32($0) }
            table.move(rows, gradient: gradient.rows(0..<count), rate: 0.1)
        }
    }

    private func write(
        _ table: inout CenterTable, step: Int, base: Int?, _ store: CheckpointStore
    ) throws {
        let copies = CopyBudget(byteLimit: 0)
        // Sources are fetched in the order of their names, as the coordinator does.
        let arrays = table.snapshot(prefix: "centers", copies: copies)
        try store.write(
            step: step, base: base, files: [(Self.file, .changes(arrays))], digests: [],
            createdBy: "bench")
    }

    private func restore(_ store: CheckpointStore, expected: Int) throws {
        let (found, _) = try store.newest { checkpoint throws(StorageError) in
            (checkpoint.step, try checkpoint.changedArrays(Self.file))
        }
        guard let (step, arrays) = found, step == expected else {
            throw BenchError("the checkpoint of step \(expected) was not found whole")
        }
        var table = emptyTable
        try table.restore(arrays, prefix: "centers")
    }

    /// Reads a file front to back into one piece of memory.
    private func read(_ path: String) throws {
        let file = try LocalFileSystem().open(path, .read)
        var place = 0
        while true {
            let bytes = try file.read(at: place, count: 1 << 17)
            guard !bytes.isEmpty else { return }
            place += bytes.count
        }
    }

    /// Has the system forget what it holds of a file.
    private func forget(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { throw BenchError("cannot open \(path)") }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0, posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0
        else { throw BenchError("the system does not forget \(path)") }
    }

    private func seconds(_ body: () throws -> Void) throws -> Double {
        let begin = monotonicSeconds()
        try body()
        return monotonicSeconds() - begin
    }
}
