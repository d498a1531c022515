import Foundation
import Testing

/// The promise of same bits, tried with real processes: whatever workers come, go, and die.
@Suite(.serialized) struct ElasticityTests {
    /// Small enough for seconds, with every part of the real thing: exchange groups, a tree of
    /// eight slices, clustering, row optimizer, checkpoints.
    static let runFile = """
        method: mlcd
        seed: 5
        steps: 40
        batch: {samples: 192, slices: 8, answerGroupSamples: 48}
        network: {kind: vit, patch: 7, width: 32, depth: 2, heads: 2}
        checkpoint: {every: 500ms}
        mlcd:
          dim: 32
          centers: 64
          positives: 4
          clustering: {iterations: 2}
        """

    /// The digest of the run with one worker of one slot, and the labels it made; every other
    /// way to run it must give the same.
    private static let reference = Task {
        let scratch = try ScratchDirectory()
        let run = try await TrainingRun(in: scratch)
        _ = try run.startWorker("w1")
        return try await run.digestWhenDone()
    }

    @Test(.timeLimit(.minutes(3)))
    func `one worker of two slots gives the same bits`() async throws {
        let run = try await TrainingRun(in: ScratchDirectory())
        _ = try run.startWorker("w1", slots: 2)
        #expect(try await run.digestWhenDone() == Self.reference.value)
    }

    @Test(.timeLimit(.minutes(3)))
    func `three workers give the same bits`() async throws {
        let run = try await TrainingRun(in: ScratchDirectory())
        for name in ["w1", "w2", "w3"] { _ = try run.startWorker(name) }
        #expect(try await run.digestWhenDone() == Self.reference.value)
    }

    @Test(.timeLimit(.minutes(3)))
    func `a worker killed in mid-step that rejoins under its name changes no bit`() async throws {
        let run = try await TrainingRun(in: ScratchDirectory())
        let victim = try run.startWorker("w1")
        for name in ["w2", "w3"] { _ = try run.startWorker(name) }
        try await run.wait(forStep: 10)
        victim.signal(SIGKILL)
        #expect(try await victim.exitCode(within: 10) == 128 + SIGKILL)
        try await run.wait(forStep: 14)
        _ = try run.startWorker("w1")
        #expect(try await run.digestWhenDone() == Self.reference.value)
    }

    @Test(.timeLimit(.minutes(3)))
    func `a coordinator killed in mid-run and started again changes no bit`() async throws {
        let run = try await TrainingRun(in: ScratchDirectory())
        let workers = try ["w1", "w2"].map { try run.startWorker($0) }
        try await run.wait(forStep: 15)
        run.coordinator.signal(SIGKILL)
        #expect(try await run.coordinator.exitCode(within: 10) == 128 + SIGKILL)
        try await run.restartCoordinator()
        #expect(try await run.digestWhenDone() == Self.reference.value)
        for worker in workers { #expect(try await worker.exitCode(within: 20) == 0) }
    }

    @Test(.timeLimit(.minutes(3)))
    func `all in one process over the in-memory transport gives the same bits`() async throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("run.yaml", Self.runFile)
        let (code, _, errors) = try await pleiad(
            "train", file, "--workers", "2", "--state", scratch.appending("state"),
            "--in-process")
        #expect(code == 0, "\(errors)")
        let (_, digest, _) = try await pleiad("digest", scratch.appending("state"))
        #expect(digest == (try await Self.reference.value))
    }

    @Test(.timeLimit(.minutes(3)))
    func `train stops at --steps and resumes to the same bits`() async throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("run.yaml", Self.runFile)
        let state = scratch.appending("state")
        let first = try await pleiad(
            "train", file, "--workers", "2", "--state", state, "--steps", "17")
        #expect(first.code == 0, "\(first.errors)")
        let middle = try await pleiad("digest", state)
        #expect(middle.output.hasPrefix("step 17\n"), "\(middle.output)")
        let second = try await pleiad("train", file, "--workers", "1", "--state", state)
        #expect(second.code == 0, "\(second.errors)")
        let (_, digest, _) = try await pleiad("digest", state)
        #expect(digest == (try await Self.reference.value))
    }
}
