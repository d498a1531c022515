import Foundation
import Testing

extension SystemTests {
    /// The promise of same bits, tried with real processes on real images: whatever workers come,
    /// go, and die.
    @Suite struct ElasticityTests {
        /// The digest of the run with one worker of one slot; every other way to run it must give
        /// the same.
        private static let reference = Task {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashion)
            _ = try run.startWorker("w1")
            return try await run.digestWhenDone()
        }

        @Test(.timeLimit(.minutes(3)))
        func `one worker of two slots gives the same bits`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashion)
            _ = try run.startWorker("w1", slots: 2)
            #expect(try await run.digestWhenDone() == Self.reference.value)
        }

        @Test(.timeLimit(.minutes(3)))
        func `three workers give the same bits`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashion)
            for name in ["w1", "w2", "w3"] { _ = try run.startWorker(name) }
            #expect(try await run.digestWhenDone() == Self.reference.value)
        }

        @Test(.timeLimit(.minutes(3)))
        func `gradients in bf16 give the same bits whoever adds them`() async throws {
            let one = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashionBF16)
            _ = try one.startWorker("w1")
            let digest = try await one.digestWhenDone()
            let three = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashionBF16)
            for name in ["w1", "w2", "w3"] { _ = try three.startWorker(name) }
            #expect(try await three.digestWhenDone() == digest)
            #expect(try await digestInProcess(SmallRun.fashionBF16) == digest)
            #expect(try await digest != Self.reference.value)
        }

        @Test(.timeLimit(.minutes(3)))
        func `a worker killed in mid-step that rejoins under its name changes no bit`()
            async throws
        {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashion)
            let victim = try run.startWorker("w1")
            for name in ["w2", "w3"] { _ = try run.startWorker(name) }
            try await run.wait(forStep: 10)
            let (step, slices) = try await run.stop(victim, named: "w1")
            victim.signal(SIGKILL)
            #expect(try await victim.exitCode(within: 10) == 128 + SIGKILL)
            #expect(step < 250, "the run must go on for a while after the kill")
            let gone = try await run.wait(forStep: step + 4)
            #expect(gone.state(of: "w1") == "lost")
            _ = try run.startWorker("w1")
            let back = try await run.status { $0.state(of: "w1") == "ready" }
            #expect(back.incarnation(of: "w1") > gone.incarnation(of: "w1"))
            #expect(try await run.digestWhenDone() == Self.reference.value)
            let ledger = try run.ledgerSlices(ofStep: step)
            for slice in slices {
                #expect(ledger[slice].attempts >= 2 && ledger[slice].worker != "w1")
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a coordinator killed in mid-run and started again changes no bit`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.fashion)
            let workers = try ["w1", "w2"].map { try run.startWorker($0) }
            // A stopped worker holds the step open, so that the kill falls into it.
            try await run.wait(forStep: 60)
            let (step, _) = try await run.stop(workers[0], named: "w1")
            run.coordinator.signal(SIGKILL)
            #expect(try await run.coordinator.exitCode(within: 10) == 128 + SIGKILL)
            workers[0].signal(SIGCONT)
            #expect(try run.ledgerCount() == step)
            #expect(step < 250)
            try await run.restartCoordinator()
            #expect(try await run.digestWhenDone() == Self.reference.value)
            for worker in workers { #expect(try await worker.exitCode(within: 20) == 0) }
            let events = try SmallFiles.text(of: run.state + "/events.jsonl")
            #expect(events.contains("are made again and compared"), "\(events)")
        }

        @Test(.timeLimit(.minutes(3)))
        func `all in one process over the in-memory transport gives the same bits`() async throws {
            #expect(try await digestInProcess(SmallRun.fashion) == Self.reference.value)
        }

        private func digestInProcess(_ text: String) async throws -> String {
            let scratch = try ScratchDirectory()
            let file = try scratch.write("run.yaml", text)
            let state = scratch.appending("state")
            let ended = try await pleiad(
                "train", file, "--workers", "2", "--state", state, "--in-process")
            #expect(ended.code == 0, "\(ended.errors)")
            return try await pleiad("digest", state).output
        }

        @Test(.timeLimit(.minutes(3)))
        func `train stops at --steps and resumes to the same bits`() async throws {
            let scratch = try ScratchDirectory()
            let file = try scratch.write("run.yaml", SmallRun.fashion)
            let state = scratch.appending("state")
            let first = try await pleiad(
                "train", file, "--workers", "2", "--state", state, "--steps", "117")
            #expect(first.code == 0, "\(first.errors)")
            let middle = try await pleiad("digest", state)
            #expect(middle.output.hasPrefix("step 117\n"), "\(middle.output)")
            let second = try await pleiad("train", file, "--workers", "1", "--state", state)
            #expect(second.code == 0, "\(second.errors)")
            #expect(try await pleiad("digest", state).output == Self.reference.value)
        }
    }
}
