/// The run files of these tests: seconds long, with every part of the real thing.
enum SmallRun {
    /// Steps of a run on the small data.
    static let steps = 300

    /// A run on the small data: exchange groups, a tree of eight slices, clustering, the row
    /// optimizer, many passes over the data, many checkpoints.
    static func text(data: String, seed: Int = 5, steps: Int = steps) -> String {
        """
        method: mlcd
        seed: \(seed)
        steps: \(steps)
        data: {path: \(data)}
        batch: {samples: 48, slices: 8, answerGroupSamples: 12}
        network: {kind: vit, patch: 7, width: 32, depth: 2, heads: 2}
        checkpoint: {every: 200ms}
        coordinator: {leaseTerm: 1s, helloTerm: 1s}
        mlcd:
          dim: 32
          centers: 32
          positives: 4
          clustering: {pooling: 4, iterations: 2}
        """
    }

    /// A run on Fashion-MNIST.
    static let fashion = """
        method: mlcd
        seed: 5
        steps: 300
        batch: {samples: 96, slices: 8, answerGroupSamples: 24}
        network: {kind: vit, patch: 7, width: 32, depth: 2, heads: 2}
        checkpoint: {every: 500ms}
        mlcd:
          dim: 32
          centers: 64
          positives: 4
          clustering: {pooling: 4, iterations: 2}
        """

    /// The same with gradients rounded to bf16 at every node of the tree.
    static let fashionBF16 = "gradients: bf16\n" + fashion

    /// A run that stays in its start for a while: it clusters all pixels.
    static let slowToStart = """
        method: mlcd
        steps: 2
        batch: {samples: 64, slices: 2}
        network: {kind: vit, patch: 7, width: 32, depth: 1, heads: 2}
        mlcd: {centers: 4000, clustering: {iterations: 100}}
        """

    /// The digest of the run on the small data, made by one worker of one slot.
    ///
    /// Every other way to run it must give the same.
    static let digest = Task {
        let run = try await TrainingRun(in: ScratchDirectory())
        _ = try run.startWorker("w1")
        return try await run.digestWhenDone()
    }
}
