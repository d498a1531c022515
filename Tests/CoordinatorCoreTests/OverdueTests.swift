import CoordinatorCore
import Messages
import Testing

/// Design, the two paragraphs after section 2.7: slices and workers that do not move.
@Suite struct OverdueTests {
    @Test func `a silent worker is lost after its term and its leases are free`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        let early = bench.wait(2.9, beating: [b])
        #expect(early.leases.isEmpty)
        let late = bench.wait(0.3, beating: [b])
        #expect(late.leases.count == 1)
        #expect(late.closed == [a.control, a.bulk])
    }

    @Test func `an overdue slice goes to an idle worker too`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        let effects = bench.wait(3.3, beating: [a, b])
        #expect(effects.leases.map(\.task.slice.index) == [0])
        #expect(effects.closed.isEmpty)
        #expect(effects.notes.contains { $0.contains("overdue") })
    }

    @Test func `the slice that is overdue by most comes first`() {
        var bench = Bench(benchSettings(slices: 2))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        bench.wait(1, beating: [a, b])
        _ = bench.lease(a)
        bench.wait(4, beating: [a, b])
        #expect(bench.lease(b) == 0)
        #expect(bench.lease(b) == 1)
    }

    @Test func `a slice with unleased ones beside it is not leased twice`() {
        var bench = Bench(benchSettings(slices: 2))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        bench.wait(4, beating: [a, b])
        #expect(bench.lease(b) == 1)
    }

    @Test func `a parked slice never counts as overdue`() {
        var bench = Bench(benchSettings(slices: 2, groups: [0..<2]))
        let a = bench.join("a")
        let b = bench.join("b")
        let c = bench.join("c")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == 1)
        bench.exchange(a, step: 0, slice: 0)
        _ = bench.lease(c)
        let effects = bench.wait(10, beating: [a, b, c])
        #expect(effects.leases.map(\.task.slice.index) == [1])
    }

    @Test func `progress is the compute loop's counter, not the heartbeat`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        func beat(_ ticks: UInt64) -> Request {
            .heartbeat(
                Heartbeat(slots: [
                    SlotProgress(
                        slot: 0, phase: .forward, step: StepNumber(0), slice: SliceNumber(0),
                        ticks: ticks)
                ]))
        }
        var leases: [Lease] = []
        for ticks in 0..<50 {
            bench.ask(a, beat(UInt64(ticks)))
            leases += bench.wait(0.2, beating: [b]).leases
        }
        #expect(leases.isEmpty)
        for _ in 0..<20 {
            bench.ask(a, beat(50))
            leases += bench.wait(0.2, beating: [b]).leases
        }
        #expect(leases.count == 1)
    }

    @Test func `a gap in the coordinator's own clock extends all leases`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        _ = bench.lease(a)
        bench.now = bench.now + .seconds(3600)
        let effects = bench.give(.tick)
        #expect(effects.closed.isEmpty)
        #expect(effects.notes.contains { $0.contains("extended") })
        #expect(bench.wait(2.5).closed.isEmpty)
        #expect(!bench.wait(1).closed.isEmpty)
    }

    @Test func `a worker that hangs is lost in the end, even the only one`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        _ = bench.lease(a)
        #expect(bench.wait(149, beating: [a]).closed.isEmpty)
        #expect(bench.wait(2, beating: [a]).closed == [a.control, a.bulk])
    }
}
