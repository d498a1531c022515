import Foundation
import Testing

extension SystemTests {
    /// A coordinator kills itself at named moments around its writes (`PLEIAD_FAILPOINT`).
    @Suite struct FailPointTests {
        private static let steps = 700

        /// Moments and how often each is passed before the kill; the starts follow one another.
        private static let points: [String] =
            ["write", "sync", "rename", "dirsync", "done"].flatMap { moment in
                ["run.yaml", "numerics.json", "epoch"].map { "\($0).\(moment):1" }
            } + ["ledger.append:4", "ledger.sync:3", "ledger.done:5"]
            + ["metrics.jsonl.append:6", "metrics.jsonl.done:3", "events.jsonl.append:2"]
            + [
                "checkpoint.write:1", "checkpoint.write:3", "checkpoint.sync:2",
                "checkpoint.sync:4", "checkpoint.manifest:1", "checkpoint.rename:1",
                "checkpoint.dirsync:1", "checkpoint.done:1", "checkpoint.prune:1",
                "checkpoint.manifest:2",
            ]

        @Test(.timeLimit(.minutes(5)))
        func `killed at every named moment, a run ends in the same bits with sound files`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let text = SmallRun.text(data: data, steps: Self.steps)
                .replacingOccurrences(of: "every: 200ms", with: "every: 100ms")
            let run = try await TrainingRun(in: scratch, text: text)
            let workers = try ["w1", "w2"].map { try run.startWorker($0) }
            try await run.wait(forStep: 3)
            run.coordinator.signal(SIGKILL)
            _ = try await run.coordinator.exitCode(within: 10)
            for point in Self.points {
                let coordinator = try RunningProgram(
                    [
                        "coordinator", run.file, "--state", run.state, "--listen", run.url,
                        "--exit-when-done",
                    ], environment: ["PLEIAD_FAILPOINT": point])
                let code = try await coordinator.exitCode(within: 60)
                #expect(code == 128 + SIGKILL, "\(point): \(coordinator.errors)")
                let verified = try await pleiad("verify", run.state)
                #expect(verified.code == 0, "\(point): \(verified.output)")
            }
            try await run.restartCoordinator()
            let digest = try await run.digestWhenDone()
            for worker in workers {
                #expect(try await worker.exitCode(within: 20) == 0, "workers stayed up")
            }
            let verified = try await pleiad("verify", run.state)
            #expect(verified.code == 0 && !verified.output.contains("note:"), "\(verified.output)")
            let undisturbed = try await pleiad(
                "train", run.file, "--workers", "2", "--in-process", "--state",
                scratch.appending("undisturbed"))
            #expect(undisturbed.code == 0, "\(undisturbed.errors)")
            #expect(try await pleiad("digest", scratch.appending("undisturbed")).output == digest)
        }

        @Test(.timeLimit(.minutes(2)), arguments: ["write", "sync", "rename", "dirsync", "done"])
        func `killed around the writing of its labels, a run makes them again or has them`(
            moment: String
        ) async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", SmallRun.text(data: data))
            let state = scratch.appending("state")
            let killed = try await pleiad(
                "train", file, "--in-process", "--state", state,
                environment: ["PLEIAD_FAILPOINT": "labels.safetensors.\(moment):1"])
            #expect(killed.code == 128 + SIGKILL, "\(killed.errors)")
            #expect(try await pleiad("verify", state).code == 0)
            #expect(try await pleiad("train", file, "--in-process", "--state", state).code == 0)
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
            #expect(try await pleiad("verify", state).code == 0)
        }
    }
}
