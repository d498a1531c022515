import Foundation
import Testing

extension SystemTests {
    /// `pleiad why`: for each fault the right cause is named while it lasts.
    @Suite struct WhyTests {
        /// What `pleiad why --json` printed.
        private struct Why {
            let code: Int32
            let document: [String: Any]

            var critical: [String: Any] { document["critical"] as? [String: Any] ?? [:] }
            var kind: String { critical["kind"] as? String ?? "" }
            var what: String { critical["what"] as? String ?? "" }
            var who: String { critical["who"] as? String ?? "" }
            var next: String { critical["next"] as? String ?? "" }
        }

        private func why(_ place: String) async throws -> Why {
            let ended = try await pleiad("why", place, "--json", within: 30)
            return Why(code: ended.code, document: try ended.object())
        }

        /// Asks until the answer is as wanted.
        private func why(
            _ place: String, within seconds: Double = 20, until isWanted: (Why) -> Bool
        ) async throws -> Why {
            let deadline = ContinuousClock.now + .seconds(seconds)
            var last: Why?
            while ContinuousClock.now < deadline {
                let now = try await why(place)
                if isWanted(now) { return now }
                last = now
            }
            throw ProgramFailure(description: "why said otherwise: \(last?.document ?? [:])")
        }

        /// A run that lasts, on the small data.
        private func longRun(leaseTerm: String = "3s") async throws -> TrainingRun {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let text = SmallRun.text(data: data, steps: 1_000_000)
                .replacingOccurrences(of: "leaseTerm: 1s", with: "leaseTerm: \(leaseTerm)")
            return try await TrainingRun(in: scratch, text: text, options: [])
        }

        @Test(.timeLimit(.minutes(2)))
        func `with no worker it names the missing worker, first and after a kill`() async throws {
            let run = try await longRun()
            let none = try await why(run.url) { $0.kind == "noWorker" }
            #expect(none.code == 0)
            #expect(none.who == "nobody")
            #expect(none.next.contains("once a worker joins"))
            let worker = try run.startWorker("w1")
            _ = try await run.wait(forStep: 5)
            worker.signal(SIGKILL)
            let killed = try await why(run.url) { $0.kind == "noWorker" }
            #expect(killed.what.contains("worker w1 is lost (its connection closed)"))
            let shown = try await pleiad("why", run.url)
            #expect(shown.output.contains("held up by: a worker that is ready"))
            #expect(shown.output.contains("next: "))
        }

        @Test(.timeLimit(.minutes(2)))
        func `a stopped worker's slice is named while it is silent, then its loss`() async throws {
            let run = try await longRun()
            let first = try run.startWorker("w1")
            _ = try run.startWorker("w2")
            _ = try await run.wait(forStep: 5)
            let (step, slices) = try await run.stop(first, named: "w1")
            let silent = try await why(run.url) { $0.what.contains("silent for") }
            #expect(silent.who == "worker w1")
            #expect(
                slices.contains { silent.what.hasPrefix("slice \($0) of step \(step)") },
                "\(silent.what)")
            let left = silent.critical["deadline_seconds"] as? Double ?? -1
            #expect(left > 0 && left < 1.6, "\(left) s left of a lease term of 3 s")
            #expect(silent.next.contains("other workers get its slices"))
            _ = try await run.status { $0.state(of: "w1") == "lost" && $0.step > step }
            let lost = try await run.status().worker("w1")
            #expect(lost?["end"] as? String == "no sign of life")
        }

        @Test(.timeLimit(.minutes(2)))
        func `a slow worker is named with its pace`() async throws {
            let run = try await longRun()
            let slow = try run.startWorker("slow")
            _ = try run.startWorker("quick")
            _ = try await run.wait(forStep: 5)
            let brake = Task {
                while !Task.isCancelled {
                    slow.signal(SIGSTOP)
                    try await Task.sleep(for: .milliseconds(300))
                    slow.signal(SIGCONT)
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            defer { brake.cancel() }
            // Before the brake has told on its pace the quick one may be the last for a moment.
            let named = try await why(run.url) {
                $0.what.contains("takes this worker") && $0.who == "worker slow"
            }
            #expect(["slice", "delivery"].contains(named.kind))
        }

        @Test(.timeLimit(.minutes(2)))
        func `a coordinator that is dead or stopped is told from its directory`() async throws {
            let run = try await longRun()
            _ = try run.startWorker("w1")
            _ = try await run.wait(forStep: 5)
            let there = try await why(run.state)
            #expect(there.code == 0)
            #expect(there.document["source"] as? String == "coordinator")

            run.coordinator.signal(SIGSTOP)
            let stopped = try await why(run.state)
            #expect(stopped.code == 1)
            #expect(stopped.what.contains("which is stopped"), "\(stopped.what)")
            #expect(stopped.next.contains("kill -CONT"))
            run.coordinator.signal(SIGKILL)
            _ = try await run.coordinator.exitCode(within: 10)

            let unreachable = try await why(run.url)
            #expect(unreachable.code == 1)
            #expect(unreachable.document["source"] as? String == "nobody")
            let dead = try await why(run.state)
            #expect(dead.code == 1)
            #expect(dead.kind == "coordinator")
            #expect(dead.who == "operator")
            #expect(dead.what.contains("died after \(try run.ledgerCount()) of"), "\(dead.what)")
            #expect(dead.next.contains("join by themselves"))
        }

        @Test func `what is no state directory is said to be none`() async throws {
            let ended = try await pleiad("why", "/nowhere")
            #expect(ended.code == 2)
            #expect(ended.errors.contains("holds no run"))
        }
    }
}
