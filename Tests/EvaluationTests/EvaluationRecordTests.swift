import Evaluation
import Storage
import Testing

@Suite struct EvaluationRecordTests {
    @Test func `records come back in the order of steps`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        for step in [300, 20, 1000] {
            try EvaluationRecord(step: step, [("knn.top1", Double(step) / 2000)])
                .write(to: "/run", fileSystem: disk)
        }
        let records = try EvaluationRecord.all(in: "/run", fileSystem: disk)
        #expect(records.map(\.step) == [20, 300, 1000])
        #expect(records.map { $0["knn.top1"] } == [0.01, 0.15, 0.5])
        #expect(EvaluationRecord.exists(step: 20, in: "/run", fileSystem: disk))
        #expect(!EvaluationRecord.exists(step: 21, in: "/run", fileSystem: disk))
    }

    @Test func `the newest record is that of the greatest step, and no other is read`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        #expect(try EvaluationRecord.newest(in: "/run", fileSystem: disk) == nil)
        for step in [900, 1000, 20] {
            try EvaluationRecord(step: step, [("knn.top1", 0.5)])
                .write(to: "/run", fileSystem: disk)
        }
        try disk.writeFileDurably("/run/evaluations/step-20.json", [1, 2])
        try disk.writeFileDurably("/run/evaluations/step-x.json", [1, 2])
        #expect(try EvaluationRecord.newest(in: "/run", fileSystem: disk)?.step == 1000)
        try disk.writeFileDurably("/run/evaluations/step-1000.json", [1, 2])
        #expect(throws: StorageError.self) {
            try EvaluationRecord.newest(in: "/run", fileSystem: disk)
        }
    }

    @Test func `what is measured later stands beside what was measured before`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        try EvaluationRecord(step: 7, [("knn.top1", 0.5), ("linear.top1", 0.25)])
            .write(to: "/run", fileSystem: disk)
        try EvaluationRecord(step: 7, [("linear.top1", 0.75)]).write(to: "/run", fileSystem: disk)
        let records = try EvaluationRecord.all(in: "/run", fileSystem: disk)
        #expect(
            records == [EvaluationRecord(step: 7, [("linear.top1", 0.75), ("knn.top1", 0.5)])])
    }

    @Test func `a directory without evaluations has none, and a flipped byte is found`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        #expect(try EvaluationRecord.all(in: "/run", fileSystem: disk).isEmpty)
        try EvaluationRecord(step: 7, [("knn.top1", 0.5)]).write(to: "/run", fileSystem: disk)
        let path = "/run/evaluations/step-7.json"
        var bytes = try disk.readFile(path, upTo: 4096)
        bytes[bytes.count / 2] ^= 1
        try disk.writeFileDurably(path, bytes)
        #expect(throws: StorageError.self) {
            try EvaluationRecord.all(in: "/run", fileSystem: disk)
        }
    }
}
