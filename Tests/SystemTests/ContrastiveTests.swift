import Foundation
import Testing

extension SystemTests {
    /// Instance discrimination with real processes: the bank moves in batch order whoever comes,
    /// goes, and dies.
    @Suite struct ContrastiveTests {
        private static func text(data: String, _ loss: String) -> String {
            """
            method: contrastive
            seed: 5
            steps: 900
            data: {path: \(data), count: 1000}
            batch: {samples: 48, slices: 8, dropLast: false, answerGroupSamples: 12}
            network: {kind: conv, widths: [8, 16]}
            views: {area: [0.5, 1], brightness: 0.4, contrast: 0.4}
            optimizer: {kind: sgd, learningRate: 0.05}
            schedule: {kind: multi-step, milestones: [600], factor: 0.1}
            checkpoint: {every: 200ms}
            coordinator: {leaseTerm: 1s, helloTerm: 1s}
            contrastive: {dim: 16, \(loss)}
            """
        }

        private func run(_ loss: String) async throws -> TrainingRun {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch, folder: "images")
            return try await TrainingRun(in: scratch, text: Self.text(data: data, loss))
        }

        @Test(
            .timeLimit(.minutes(4)),
            arguments: [
                "loss: hard, temperature: 0.3, hardest: 64",
                "loss: nce, negatives: 100, temperature: 0.3",
                "loss: moco, queue: 200, temperature: 0.2, keyMomentum: 0.9",
            ])
        func `a worker killed and back, and a coordinator killed, change no bit`(
            loss: String
        ) async throws {
            let one = try await run(loss)
            _ = try one.startWorker("w1")
            let expected = try await one.digestWhenDone()

            let many = try await run(loss)
            let victim = try many.startWorker("w1")
            let others = try ["w2", "w3"].map { try many.startWorker($0) }
            try await many.wait(forStep: 10)
            let (step, _) = try await many.stop(victim, named: "w1")
            victim.signal(SIGKILL)
            #expect(try await victim.exitCode(within: 10) == 128 + SIGKILL)
            try await many.wait(forStep: step + 4)
            _ = try many.startWorker("w1")
            // A stopped worker holds the step open, so that the coordinator dies in it.
            try await many.wait(forStep: step + 20)
            _ = try await many.stop(others[0], named: "w2")
            many.coordinator.signal(SIGKILL)
            #expect(try await many.coordinator.exitCode(within: 10) == 128 + SIGKILL)
            others[0].signal(SIGCONT)
            try await many.restartCoordinator()
            #expect(try await many.digestWhenDone() == expected)
            #expect(try await pleiad("verify", many.state).code == 0)
            #expect(try await pleiad("ledger", "verify", many.state).code == 0)
            let metrics = try SmallFiles.text(of: many.state + "/metrics.jsonl")
            for figure in ["uniformity", "tolerance", "similarity.positive"] {
                #expect(metrics.contains("\"\(figure)\""))
            }
        }
    }
}
