import Testing

extension SystemTests {
    /// Options of MLCD through coordinator and worker processes (MLCD sheet, section 9, rows 5, 6
    /// and 12): the same bits for one worker, two and four.
    @Suite struct LossOptionTests {
        /// Some steps with options, in the order of the run file.
        struct Option: CustomTestStringConvertible, Sendable {
            let testDescription: String
            var schedule = "{kind: warmup-linear}"
            var clipNorm = 0
            let lines: [String]

            func text(data: String) -> String {
                """
                method: mlcd
                seed: 5
                steps: 16
                data: {path: \(data)}
                batch: {samples: 48, slices: 8, answerGroupSamples: 12}
                network: {kind: vit, patch: 7, width: 32, depth: 1, heads: 2}
                optimizer: {kind: adamw, clipNorm: \(clipNorm)}
                schedule: \(schedule)
                checkpoint: {every: 200ms}
                mlcd:
                  centers: 32
                  scale: 16
                  rate: 0.5
                  clustering: {pooling: 4, iterations: 2}

                """ + lines.map { "  \($0)\n" }.joined()
            }
        }

        private static let options = [
            Option(
                testDescription: "UNICOM: one label, feature sampling",
                schedule: "{kind: warmup-cosine}",
                lines: ["loss: arcface", "dim: 32", "features: 20"]),
            Option(
                testDescription: "the later trainer: a softmax and a draw for each label column",
                schedule: "{kind: halved-polynomial}", clipNorm: 5,
                lines: [
                    "loss: parallel", "dim: 32", "positives: 4", "stored: 6",
                    "table: {update: dense, clipNorm: 5}",
                ]),
            Option(
                testDescription: "labels by threshold, literal negatives",
                schedule: "{kind: polynomial, power: 2}",
                lines: [
                    "dim: 32", "threshold: 0.6", "stored: 31", "negatives: literal",
                    "derivative: exact",
                ]),
            Option(
                testDescription: "rows that begin as centroids, dense SGD",
                schedule: "{kind: constant}",
                lines: [
                    "dim: 49", "positives: 4",
                    "table: {start: centroids, optimizer: sgd, update: dense, "
                        + "learningRateFactor: 10}",
                ]),
            Option(
                testDescription: "one cycle, whose first beta swings",
                schedule: "{kind: one-cycle}", lines: ["dim: 32", "positives: 4", "loss: mlc"]),
        ]

        @Test(.timeLimit(.minutes(3)), arguments: options)
        func `checklist 5, 6, 12: an option gives the same bits whoever computes`(
            option: Option
        ) async throws {
            var digests: [String] = []
            for workers in [1, 2, 4] {
                let scratch = try ScratchDirectory()
                let run = try await TrainingRun(
                    in: scratch, text: option.text(data: scratch.appending("data")))
                for worker in 1...workers { _ = try run.startWorker("w\(worker)") }
                digests.append(try await run.digestWhenDone())
            }
            #expect(digests[0].hasPrefix("step 16\n"))
            #expect(Set(digests).count == 1)
        }
    }
}
