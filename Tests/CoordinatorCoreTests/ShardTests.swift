import Messages
import Testing

@testable import CoordinatorCore

/// Leases over data shards (design section 9).
@Suite struct ShardTests {
    /// Four slices, slice s needing shards s and s + 1 of five.
    ///
    /// - Parameter isGlobal: whether each slice needs all of them instead.
    private func bench(
        steps: Int = 3, stepsPerEpoch: Int = .max, isGlobal: Bool = false
    ) -> Bench {
        var settings = benchSettings(steps: steps, rounds: 0)
        settings.shardCount = 5
        var bench = Bench(settings, prepared: false)
        if !isGlobal { bench.shards = (0..<4).map { [UInt32($0), UInt32($0 + 1)] } }
        bench.stepsPerEpoch = stepsPerEpoch
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        return bench
    }

    private func leases(_ bench: inout Bench, _ worker: BenchWorker, _ count: Int) -> [Int?] {
        (0..<count).map { _ in bench.lease(worker) }
    }

    @Test func `a worker gets the slices whose shards it holds, and no other`() {
        var bench = bench()
        let low = bench.join("low", shards: [0, 1, 2])
        let high = bench.join("high", shards: [2, 3, 4])
        #expect(Set(leases(&bench, low, 3).compactMap { $0 }) == [0, 1])
        #expect(Set(leases(&bench, high, 3).compactMap { $0 }) == [2, 3])
    }

    @Test func `who holds all shards may compute anything`() {
        var bench = bench()
        let named = bench.join("named", shards: [0, 1, 2, 3, 4])
        let silent = bench.join("silent")
        #expect(bench.lease(named) != nil && bench.lease(silent) != nil)
        #expect(bench.lease(named) != nil && bench.lease(silent) != nil)
    }

    @Test func `a shard that nobody holds is waited for by name, and the run goes on with it`() {
        var bench = bench(steps: 1)
        let low = bench.join("low", shards: [0, 1, 2])
        for slice in leases(&bench, low, 2).compactMap({ $0 }) {
            bench.complete(low, step: 0, slice: slice)
        }
        #expect(bench.lease(low) == nil)
        bench.wait(3, beating: [low])
        let waits = bench.machine.waits(at: bench.now)
        let missing = waits.first { $0.kind == .shard }
        #expect(missing?.what == "data shards 3-4, for slices [2, 3]")
        #expect(missing?.who == "a worker that holds them")
        #expect(bench.machine.critical(of: waits, at: bench.now)?.kind == .shard)
        let high = bench.join("high", shards: [2, 3, 4])
        for slice in leases(&bench, high, 2).compactMap({ $0 }) {
            bench.complete(high, step: 0, slice: slice)
        }
        #expect(bench.machine.committed == 1)
        #expect(!bench.machine.waits(at: bench.now).contains { $0.kind == .shard })
    }

    @Test func `where each slice needs all shards, only who holds all gets one`() {
        var bench = bench(steps: 1, isGlobal: true)
        let low = bench.join("low", shards: [0, 1, 2])
        #expect(bench.lease(low) == nil)
        bench.wait(3, beating: [low])
        let missing = bench.machine.waits(at: bench.now).first { $0.kind == .shard }
        #expect(missing?.what == "data shards 3-4, for slices [0, 1, 2, 3]")
        // Together two hold all, but none of them can compute a slice.
        let high = bench.join("high", shards: [2, 3, 4])
        #expect(bench.lease(high) == nil)
        #expect(!bench.machine.waits(at: bench.now).contains { $0.kind == .shard })
        let whole = bench.join("whole")
        for slice in leases(&bench, whole, 4).compactMap({ $0 }) {
            bench.complete(whole, step: 0, slice: slice)
        }
        #expect(bench.machine.committed == 1)
    }

    @Test func `a slice that failed is not kept for workers that lack its data`() {
        var bench = bench()
        let low = bench.join("low", shards: [0, 1, 2])
        _ = bench.join("high", shards: [2, 3, 4])
        let slice = bench.lease(low)
        #expect(slice == 0)
        bench.ask(
            low,
            .returnLease(
                ReturnLease(
                    step: StepNumber(0), slice: SliceNumber(0), reason: .failed, detail: "broken")))
        // The other worker could never take it: there is no use in waiting for it.
        #expect(Set(leases(&bench, low, 2).compactMap { $0 }) == [0, 1])
    }

    @Test func `who holds some shards gets hints within a data epoch, which deals them once`() {
        for (stepsPerEpoch, partHints) in [(Int.max, [StepNumber(1)]), (1, [])] {
            var bench = bench(stepsPerEpoch: stepsPerEpoch)
            let part = bench.join("part", shards: [0, 1, 2])
            let whole = bench.join("whole")
            let ask = Request.requestLease(RequestLease(slot: 0))
            #expect(bench.ask(part, ask).leases.first?.hints.map(\.step) == partHints)
            #expect(bench.ask(whole, ask).leases.first?.hints.map(\.step) == [StepNumber(1)])
        }
    }

    @Test func `a shard that the data do not have is refused by name`() {
        var bench = bench()
        let worker = bench.join("far", isReady: false)
        let effects = bench.ask(worker, bench.ready(shards: [0, 9]))
        #expect(effects.refusal == .badValue)
        #expect(bench.machine.sessions.worker(named: "far") == nil)
    }
}
