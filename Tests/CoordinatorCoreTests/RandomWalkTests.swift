import CoordinatorCore
import Foundation
import Testing

/// Seeded walks through a simulated world; `PLEIAD_WALKS` sets how many (default 300 a kind).
@Suite struct RandomWalkTests {
    private var count: UInt64 {
        ProcessInfo.processInfo.environment["PLEIAD_WALKS"].flatMap(UInt64.init) ?? 300
    }

    private func walk(_ seed: UInt64, _ faults: WalkFaults) -> Walk {
        var walk = Walk(seed: seed, faults: faults)
        walk.run()
        return walk
    }

    @Test func `the run finishes right whatever happens to workers and coordinator`() {
        for seed in 0..<count {
            let walk = walk(seed, WalkFaults())
            #expect(walk.problems == [], "seed \(seed)")
            if !walk.problems.isEmpty { return }
        }
    }

    @Test func `the run finishes right without faults`() {
        for seed in 0..<count / 4 {
            let walk = walk(seed, WalkFaults(kills: false, errorsMax: 0))
            #expect(walk.problems == [], "seed \(seed)")
            if !walk.problems.isEmpty { return }
        }
    }

    @Test func `the run finishes right though a worker computes wrong bits now and then`() {
        var found = 0
        for seed in 0..<count {
            let walk = walk(
                2_000_000 + seed, WalkFaults(isFirstFaulty: true, restarts: seed % 2 == 0))
            #expect(walk.problems == [], "seed \(2_000_000 + seed)")
            if !walk.problems.isEmpty { return }
            found += walk.machine.status(at: walk.now).quarantine.count
        }
        #expect(count < 100 || found > 0)
    }

    @Test func `a stop in the middle of faults, errors and lies ends with a checkpoint`() {
        for seed in 0..<count {
            let walk = walk(
                1_000_000 + seed,
                WalkFaults(errorsMax: 30, lies: true, stops: true, restarts: seed % 2 == 0))
            #expect(walk.problems == [], "seed \(1_000_000 + seed)")
            if !walk.problems.isEmpty { return }
        }
    }
}
