import Testing

@testable import CoordinatorDaemon

@Suite struct LedgerTailTests {
    private func tail(oldestCheckpoint: Int?, steps: Int) -> LedgerTail {
        var tail = LedgerTail(oldestCheckpoint: oldestCheckpoint)
        for step in 0..<steps {
            tail.append(
                LedgerRecord(
                    step: step, dataEpoch: 0, samples: "", version: "", gradient: "", next: "",
                    slices: []))
        }
        return tail
    }

    @Test func `what lies before every checkpoint is not kept`() {
        let tail = tail(oldestCheckpoint: 40, steps: 50)
        #expect(tail.stepCount == 50)
        #expect(tail.record(of: 38) == nil && tail.record(of: 39)?.step == 39)
        #expect(tail.record(of: 49)?.step == 49 && tail.record(of: 50) == nil)
        #expect(tail.records(from: 40).map(\.step) == Array(40..<50))
        #expect(tail.records(from: 45).map(\.step) == Array(45..<50))
        #expect(tail.records(from: 50).isEmpty)
    }

    @Test(arguments: [nil, 0, 1]) func `without one everything is`(oldest: Int?) {
        let tail = tail(oldestCheckpoint: oldest, steps: 5)
        #expect(tail.records(from: 0).map(\.step) == Array(0..<5))
        #expect(tail.record(of: 0)?.step == 0)
    }

    @Test func `a ledger that is shorter than a checkpoint has no record of it`() {
        let tail = tail(oldestCheckpoint: 40, steps: 30)
        #expect(tail.stepCount == 30)
        #expect(tail.record(of: 29) == nil)
    }
}
