import Identity
import Storage
import Testing

/// A fault of one operation.
private enum Fault: CaseIterable {
    case inputOutput, diskFull
}

private func record(_ number: Int) -> JSONValue {
    ["step": .integer(Int64(number)), "text": .string(String(repeating: "x", count: 700))]
}

/// Every operation of the system fails once, the N-th for every N, and the power is cut after it:
/// what is found afterwards is the old state or the new one, and work goes on.
@Suite struct FaultTests {
    /// Runs `work` with its operation `number` failing; whether it came to its end.
    private func fail(
        _ disk: SimulatedDisk, _ number: Int, _ fault: Fault,
        _ work: () throws(StorageError) -> Void
    ) -> StorageError? {
        disk.failOperation(disk.operationCount + number, diskFull: fault == .diskFull)
        let error = storageError(work)
        disk.failOperation(.max)
        return error
    }

    private static let survivals: [SimulatedDisk.Survival] =
        [.nothing, .everything]
        + (1...4).flatMap { seed in
            [512, 4096].map { .drawn(seed: UInt64(seed), blockBytes: $0) }
        }

    @Test(arguments: Fault.allCases.indices)
    func `a log that met a fault holds what it acknowledged, whatever comes then`(
        fault: Int
    ) throws {
        let fault = Fault.allCases[fault]
        for number in 0..<10 {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                var acknowledged = 0
                let error = fail(disk, number, fault) { () throws(StorageError) in
                    let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
                    for step in 0..<4 {
                        try log.append(record(step))
                        acknowledged += 1
                    }
                }
                if let error {
                    #expect(error.isDiskFull("/") == (fault == .diskFull), "\(error)")
                    #expect(error.description.contains("/"), "it says where")
                }
                // The program starts again on the same system, and then the power goes.
                let again = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
                #expect(again.count == acknowledged || again.count == acknowledged + 1)
                try again.append(record(again.count))
                let counted = again.count
                let after = disk.restart(survival)
                let found = try AppendOnlyLog(path: "/ledger", fileSystem: after)
                #expect(found.count == counted, "\(number) \(fault) \(survival)")
                for step in counted..<6 { try found.append(record(step)) }
                var steps: [Int64] = []
                try AppendOnlyLog.read("/ledger", fileSystem: after.restart(.nothing)) {
                    steps.append($1["step"]?.integer ?? -1)
                }
                #expect(steps == [0, 1, 2, 3, 4, 5])
            }
        }
    }

    @Test func `a synchronisation after one that failed moves nothing, so the log writes again`()
        throws
    {
        // What Linux does, seen by itself: the second call succeeds, and the bytes are lost.
        let disk = SimulatedDisk()
        let file = try disk.open("/f", .create)
        try file.synchronize()
        try disk.synchronizeDirectory("/")
        try file.write([1, 2, 3])
        disk.failOperation(disk.operationCount)
        #expect(throws: StorageError.self) { try file.synchronize() }
        try file.synchronize()
        #expect(try disk.restart(.nothing).readFile("/f", upTo: 9) == [0, 0, 0])
        try file.overwrite(at: 0, [1, 2, 3])
        try file.synchronize()
        #expect(try disk.restart(.nothing).readFile("/f", upTo: 9) == [1, 2, 3])
    }

    @Test func `a log that is shorter than what was committed is refused and left alone`() throws {
        let disk = SimulatedDisk()
        let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
        for step in 0..<3 { try log.append(record(step)) }
        let committed = log.byteCount
        for cut in [1, 400, 900] {
            let file = try disk.open("/ledger", .append)
            let whole = try file.read(at: 0, count: committed)
            try file.truncate(to: committed - cut)
            let error = storageError { () throws(StorageError) in
                _ = try AppendOnlyLog(
                    path: "/ledger", committedByteCount: committed, fileSystem: disk)
            }
            #expect(error?.description.contains("line \(cut < 700 ? 3 : 2) ") == true)
            #expect(try file.byteCount() == committed - cut, "it is evidence")
            let again = try AppendOnlyLog(
                path: "/ledger", committedByteCount: 700, fileSystem: disk)
            #expect(again.count == (cut < 700 ? 2 : 1), "without that knowledge it is a torn end")
            try disk.writeFileDurably("/ledger", whole)
        }
        let whole = try AppendOnlyLog(
            path: "/ledger", committedByteCount: committed, fileSystem: disk)
        #expect(whole.count == 3)
    }

    @Test(arguments: Fault.allCases.indices)
    func `an epoch that met a fault is never given twice`(fault: Int) throws {
        for number in 0..<8 {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                let first = try EpochFile.advance("/epoch", fileSystem: disk)
                var given = first
                let error = fail(disk, number, Fault.allCases[fault]) { () throws(StorageError) in
                    given = try EpochFile.advance("/epoch", fileSystem: disk)
                }
                #expect((error == nil) == (given == 2))
                let after = disk.restart(survival)
                let next = try EpochFile.advance("/epoch", fileSystem: after)
                #expect(next == given + 1 || (error != nil && next == given + 2))
            }
        }
    }

    @Test(arguments: Fault.allCases.indices)
    func `a checkpoint that met a fault is the old one or the new one`(fault: Int) throws {
        func write(_ store: CheckpointStore, _ step: Int) throws(StorageError) {
            let bytes = [UInt8](repeating: UInt8(step), count: 5000)
            try store.write(
                step: step, files: [("a", .bytes(bytes)), ("b", .bytes(bytes))],
                digests: [NamedDigest("all", sha256(bytes))], logs: [LogLength("ledger", step)],
                createdBy: "tests")
        }
        var number = 0
        var isDone = false
        while !isDone {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                let store = try CheckpointStore(directory: "/c", fileSystem: disk)
                for step in [1, 2] { try write(store, step) }
                let error = fail(disk, number, Fault.allCases[fault]) { () throws(StorageError) in
                    try write(store, 3)
                }
                isDone = error == nil && number > 12
                // On the same system, then after a power cut.
                #expect(try (2...3).contains(store.newest().checkpoint?.step ?? 0))
                let after = try CheckpointStore(
                    directory: "/c", fileSystem: disk.restart(survival))
                let (found, rejected) = try after.newest()
                #expect(found?.step == 3 || (error != nil && found?.step == 2))
                #expect(rejected.isEmpty, "\(number) \(survival): \(rejected)")
                #expect(try LogLength.of("ledger", in: after.logLengths()) == found?.step)
                try write(after, 4)
                #expect(try after.newest().checkpoint?.step == 4)
            }
            number += 1
        }
        #expect(number > 15, "every operation was tried")
    }

    @Test func `figures that nobody waited for lose their end at most`() throws {
        for cut in 0..<14 {
            for survival in Self.survivals {
                let disk = SimulatedDisk()
                disk.cutPower(at: cut)
                var synchronised = 0
                _ = storageError { () throws(StorageError) in
                    let log = try AppendOnlyLog(path: "/metrics", fileSystem: disk)
                    for step in 0..<8 {
                        try log.append(record(step), durably: false)
                        guard step == 3 else { continue }
                        try log.synchronize()
                        synchronised = 4
                    }
                }
                let after = disk.restart(survival)
                var steps: [Int64] = []
                let log = try AppendOnlyLog(
                    path: "/metrics", middleDamage: .cut, fileSystem: after
                ) { steps.append($1["step"]?.integer ?? -1) }
                #expect(steps == (0..<steps.count).map(Int64.init) && steps.count >= synchronised)
                try log.append(record(8))
            }
        }
    }

    @Test func `a broken checkpoint is set aside and goes once all others are newer`() throws {
        let disk = SimulatedDisk()
        let store = try CheckpointStore(directory: "/c", fileSystem: disk)
        func write(_ step: Int) throws {
            try store.write(
                step: step, files: [("a", .bytes([UInt8(step)]))], digests: [], createdBy: "t")
        }
        try write(1)
        try write(2)
        try disk.flip("/c/step-2/a", at: 0, mask: 1)
        try store.setAside(store.newest().rejected)
        #expect(try disk.list("/c") == ["damaged-2", "step-1"])
        #expect(try store.newest().checkpoint?.step == 1)
        try write(2)
        #expect(try disk.list("/c") == ["damaged-2", "step-1", "step-2"])
        try write(3)
        #expect(try disk.list("/c") == ["damaged-2", "step-2", "step-3"])
        try write(4)
        #expect(try disk.list("/c") == ["step-3", "step-4"])
    }
}
