import Foundation
import Testing

extension SystemTests {
    /// A text tower for what another run has learnt.
    @Suite struct LiTTests {
        private func text(data: String, images: String) -> String {
            """
            method: lit
            seed: 5
            steps: 200
            data: {path: \(data)}
            batch: {samples: 48, slices: 8}
            optimizer: {learningRate: 0.003}
            checkpoint: {every: 200ms}
            coordinator: {leaseTerm: 1s, helloTerm: 1s}
            lit: {images: \(images), width: 32, depth: 2, heads: 2}
            """
        }

        @Test(.timeLimit(.minutes(3)))
        func `texts learn to find classes among locked images, to the same bits by any workers`()
            async throws
        {
            let (scratch, locked) = (try ScratchDirectory(), try await HalfRun.state())
            let (images, test) = (scratch.appending("images.npy"), scratch.appending("test.npy"))
            let data = try SmallData.write(to: scratch)
            let all = try await pleiad("embed", locked, "--head", "--out", images, "--data", data)
            #expect(all.code == 0, "\(all.errors)")
            let tested = try await pleiad(
                "embed", locked, "--head", "--test", "--out", test, "--data", data)
            #expect(tested.code == 0, "\(tested.errors)")
            let file = try scratch.write("run.yaml", text(data: data, images: images))
            let state = try await trainedAlike(file, in: scratch)
            let report = try await pleiad(
                "evaluate", state, "--zero-shot", "--images", test, "--json", "--record"
            ).object()
            let accuracy = (report["zero_shot"] as? [String: Double])?["top1"] ?? 0
            // A tenth by chance; the locked encoder tells squares at ten places apart.
            #expect(accuracy > 0.5, "\(report)")
            let metrics = try SmallFiles.text(of: state + "/metrics.jsonl")
            #expect(metrics.contains("\"accuracy\""))

            // Embeddings of the wrong images, and what needs an image encoder.
            for words in [
                ["evaluate", state, "--zero-shot", "--images", images], ["evaluate", state],
                ["embed", state, "--out", scratch.appending("no.npy")],
                ["evaluate", locked, "--zero-shot", "--images", test],
            ] {
                let refused = try await pleiad(words)
                #expect(refused.code == 2, "\(words): \(refused.errors)")
            }
        }
    }
}
