import Foundation
import Simulation
import Synchronization

/// Seeds, shared out among threads; each seed runs on one.
final class Campaign: Sendable {
    private let seeds: ClosedRange<UInt64>
    private let flaw: Planted
    private let stopsAtFirst: Bool
    private let runningPath: String?
    private let state: Mutex<State>

    private struct State {
        var next: UInt64
        var running: [Int: UInt64] = [:]
        var result = CampaignResult()
    }

    init(
        _ seeds: ClosedRange<UInt64>, flaw: Planted, stopsAtFirst: Bool, running: String?
    ) {
        self.seeds = seeds
        self.flaw = flaw
        self.stopsAtFirst = stopsAtFirst
        runningPath = running
        state = Mutex(State(next: seeds.lowerBound))
    }

    /// What came of the seeds that have run.
    var result: CampaignResult { state.withLock { $0.result } }

    /// Runs seeds until none is left.
    func work(thread: Int) {
        while let seed = take(thread) {
            let report = simulate(seed: seed, flaw: flaw)
            state.withLock { state in
                state.result.add(report)
                state.running[thread] = nil
            }
        }
    }

    private func take(_ thread: Int) -> UInt64? {
        state.withLock { state in
            guard seeds.contains(state.next), !stopsAtFirst || state.result.failures.isEmpty else {
                return nil
            }
            defer { state.next += 1 }
            state.running[thread] = state.next
            note(state.running)
            return state.next
        }
    }

    /// A seed that ends the process is found in this file.
    private func note(_ running: [Int: UInt64]) {
        guard let runningPath else { return }
        let text = running.values.sorted().map(String.init).joined(separator: " ")
        // Without it only the name of a seed that crashes would be missing.
        try? Data((text + "\n").utf8).write(to: URL(fileURLWithPath: runningPath))
    }
}
