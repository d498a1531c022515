import Evaluation
import Storage
import Testing

@testable import CoordinatorDaemon

/// The newest evaluation that status shows, which another process writes.
@Suite struct EvaluationWatchTests {
    private let disk = SimulatedDisk()

    private func watch() throws -> EvaluationWatch {
        try disk.createDirectory("/run")
        return EvaluationWatch(directory: "/run", files: disk)
    }

    private func record(_ step: Int) throws {
        try EvaluationRecord(step: step, [("knn.top1", 0.5)]).write(to: "/run", fileSystem: disk)
    }

    @Test func `the newest evaluation is seen, a second after the last look`() throws {
        let watch = try watch()
        #expect(watch.newest(at: 3) == nil)
        try record(7)
        #expect(watch.newest(at: 3.9) == nil)
        #expect(watch.newest(at: 4)?.step == 7)
        try record(20)
        try record(9)
        #expect(watch.newest(at: 4.5)?.step == 7)
        #expect(watch.newest(at: 5)?.step == 20)
        #expect(watch.newest(at: 5)?["knn.top1"] == 0.5)
    }

    @Test func `a damaged evaluation does not stop status`() throws {
        let watch = try watch()
        try record(7)
        #expect(watch.newest(at: 0)?.step == 7)
        try disk.writeFileDurably("/run/evaluations/step-8.json", [1, 2, 3])
        #expect(watch.newest(at: 1) == nil)
        try record(9)
        #expect(watch.newest(at: 2)?.step == 9)
    }
}
