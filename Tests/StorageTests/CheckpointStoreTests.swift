import Buffers
import Identity
import Storage
import Tensors
import Testing

/// The state that checkpoints of these tests hold: derived from the step, so that it can be told.
private func tensor(_ step: Int) -> Tensor {
    Tensor((0..<400).map { Float($0 * 7 + step) }, shape: [20, 20])
}

private func write(_ store: CheckpointStore, _ step: Int) throws(StorageError) {
    let digest = sha256("state \(step)")
    try store.write(
        step: step,
        files: [
            (
                "parameters.safetensors",
                .safetensors([SafetensorsEntry("w", .f32(tensor(step)))], metadata: [("a", "b")])
            ),
            ("progress.json", .bytes(Array("{\"step\": \(step)}".utf8))),
        ],
        digests: [NamedDigest("parameters", digest), NamedDigest("all", digest)],
        createdBy: "tests")
}

/// The step of the newest whole checkpoint, having looked at all it holds.
private func newestStep(_ store: CheckpointStore) throws -> Int? {
    guard let checkpoint = try store.newest().checkpoint else { return nil }
    let step = checkpoint.step
    let file = try checkpoint.safetensors("parameters.safetensors")
    #expect(try file.tensor("w").isBitIdentical(to: tensor(step)))
    let text = try checkpoint.read("progress.json")
    #expect(text.byteCount == "{\"step\": \(step)}".utf8.count)
    #expect(checkpoint.manifest.digest("all") == sha256("state \(step)"))
    return step
}

@Suite struct CheckpointStoreTests {
    private func store(_ disk: SimulatedDisk, keep: Int = 2) throws -> CheckpointStore {
        try CheckpointStore(directory: "/checkpoints", keptCount: keep, fileSystem: disk)
    }

    @Test func `an empty store has no checkpoint`() throws {
        let (checkpoint, rejected) = try store(SimulatedDisk()).newest()
        #expect(checkpoint == nil && rejected.isEmpty)
    }

    @Test func `the newest checkpoints are kept and the newest is loaded`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk, keep: 3)
        for step in [1, 2, 9, 10, 100] { try write(store, step) }
        #expect(try store.steps() == [9, 10, 100])
        #expect(try newestStep(store) == 100)
        #expect(try disk.list("/checkpoints") == ["step-10", "step-100", "step-9"])
        #expect(try store.checkpoint(step: 9).step == 9)
    }

    @Test func `the same checkpoint again changes nothing`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 5)
        try write(store, 5)
        #expect(try newestStep(store) == 5)
        #expect(try disk.list("/checkpoints") == ["step-5"])
    }

    @Test(arguments: [
        SimulatedDisk.Survival.nothing, .everything, .drawn(seed: 1, blockBytes: 512),
        .drawn(seed: 2, blockBytes: 4096), .drawn(seed: 3, blockBytes: 512),
        .drawn(seed: 4, blockBytes: 512), .drawn(seed: 5, blockBytes: 4096),
    ])
    func `a power cut at any operation leaves the old or the new state`(
        survival: SimulatedDisk.Survival
    ) throws {
        let trial = SimulatedDisk()
        let trialStore = try store(trial)
        try write(trialStore, 1)
        try write(trialStore, 2)
        let before = trial.operationCount
        try write(trialStore, 3)
        let operations = trial.operationCount - before
        #expect(operations > 12)
        for cut in 0...operations {
            let disk = SimulatedDisk()
            let store = try store(disk)
            try write(store, 1)
            try write(store, 2)
            disk.cutPower(at: before + cut)
            var isDone = false
            do {
                try write(store, 3)
                isDone = true
            } catch { /* the power cut that is tried */  }
            #expect(isDone == (cut == operations))
            let after = disk.restart(survival)
            let recovered = try self.store(after)
            let found = try newestStep(recovered)
            #expect(found == 2 || found == 3, "cut at \(cut): \(String(describing: found))")
            if isDone { #expect(found == 3) }
            #expect(try recovered.newest().rejected.isEmpty)
            // And the run goes on from there.
            try write(recovered, 4)
            #expect(try newestStep(recovered) == 4)
            #expect(try after.list("/checkpoints").allSatisfy { $0.hasPrefix("step-") })
        }
    }

    @Test func `one changed byte anywhere is found, named, and the one before is loaded`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1)
        try write(store, 2)
        for path in try disk.allFiles("/checkpoints/step-2") {
            let byteCount = try disk.readFile(path, upTo: 1 << 20).count
            for offset in 0..<byteCount {
                let mask = UInt8(1) << UInt8(offset % 8)
                try disk.flip(path, at: offset, mask: mask)
                let (checkpoint, rejected) = try store.newest()
                #expect(checkpoint?.step == 1)
                #expect(rejected.map(\.step) == [2])
                #expect(rejected.map(\.file) == [path.replacing("//", with: "/")])
                try disk.flip(path, at: offset, mask: mask)
            }
        }
        #expect(try newestStep(store) == 2)
    }

    @Test func `a missing and a shortened file are named with what is wrong`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1)
        try write(store, 2)
        let path = "/checkpoints/step-2/progress.json"
        let file = try disk.open(path, .append)
        try file.truncate(to: 3)
        #expect(try store.newest().rejected[0].reason == "has 3 bytes, 11 were written")
        try disk.removeFile(path)
        let rejected = try store.newest().rejected[0]
        #expect(rejected.description == "step 2: \(path): is missing")
    }

    @Test func `when none is whole, that is an error that names them all`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1)
        try write(store, 2)
        try disk.flip("/checkpoints/step-1/progress.json", at: 0, mask: 1)
        try disk.flip("/checkpoints/step-2/manifest.json", at: 0, mask: 1)
        let error = storageError { () throws(StorageError) in _ = try store.newest() }
        guard case .noWholeCheckpoint(_, let rejected)? = error else {
            Issue.record("a broken checkpoint was loaded: \(String(describing: error))")
            return
        }
        #expect(rejected.map(\.step) == [2, 1])
    }

    @Test func `a broken checkpoint is replaced when its step comes again`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1)
        try write(store, 2)
        try disk.flip("/checkpoints/step-2/progress.json", at: 0, mask: 1)
        try write(store, 2)
        #expect(try newestStep(store) == 2)
        #expect(try disk.list("/checkpoints") == ["step-1", "step-2"])
    }

    @Test func `a full disk is said clearly, and the older checkpoint stays`() throws {
        let trial = SimulatedDisk()
        try write(try store(trial), 1)
        let one = Int.max - (try trial.freeByteCount("/"))
        for room in stride(from: 0, to: one, by: 97) {
            let disk = SimulatedDisk()
            let store = try store(disk)
            try write(store, 1)
            disk.setCapacity(one + room)
            let error = storageError { () throws(StorageError) in try write(store, 2) }
            #expect(error?.isDiskFull("/checkpoints/writing.tmp/") == true, "\(room) of \(one)")
            #expect(try newestStep(store) == 1)
            #expect(try disk.list("/checkpoints") == ["step-1"])
            disk.setCapacity(10 * one)
            try write(store, 2)
            #expect(try newestStep(store) == 2)
        }
    }

    @Test func `an I/O error at any operation fails the write and loses nothing`() throws {
        let trial = SimulatedDisk()
        let trialStore = try store(trial)
        for step in [1, 2] { try write(trialStore, step) }
        let before = trial.operationCount
        try write(trialStore, 3)
        for number in before..<trial.operationCount {
            let disk = SimulatedDisk()
            let store = try store(disk)
            for step in [1, 2] { try write(store, step) }
            disk.failOperation(number)
            #expect(throws: StorageError.self) { try write(store, 3) }
            let found = try newestStep(try self.store(disk.restart(.nothing)))
            #expect(found == 2 || found == 3)
        }
    }

    @Test func `a manifest that is renamed to another step is refused`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, 1)
        try disk.rename("/checkpoints/step-1", to: "/checkpoints/step-7")
        #expect(throws: StorageError.self) { try store.newest() }
    }

    @Test func `checkpoints on the computer's own disk are whole`() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory + "/checkpoints")
            for step in 1...4 { try write(store, step) }
            #expect(try store.steps() == [3, 4])
            #expect(try newestStep(store) == 4)
        }
    }
}
