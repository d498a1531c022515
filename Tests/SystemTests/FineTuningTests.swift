import Foundation
import Testing

extension SystemTests {
    /// What a run has learnt, fine-tuned by another run.
    @Suite struct FineTuningTests {
        private func text(data: String, weights: String) -> String {
            """
            method: fine-tuning
            seed: 5
            steps: 150
            data: {path: \(data)}
            batch: {samples: 48, slices: 8}
            network: {kind: vit, patch: 7, width: 32, depth: 2, heads: 2, weights: \(weights)}
            views: {area: [0.9, 1], flip: 0}
            optimizer: {learningRate: 0.002}
            checkpoint: {every: 200ms}
            coordinator: {leaseTerm: 1s, helloTerm: 1s}
            """
        }

        @Test(.timeLimit(.minutes(2)))
        func `an exported encoder is fine-tuned, to the same bits by any workers`() async throws {
            let (scratch, pretrained) = (try ScratchDirectory(), try await HalfRun.state())
            let weights = scratch.appending("encoder.safetensors")
            #expect(try await pleiad("export", pretrained, "--out", weights).code == 0)
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", text(data: data, weights: weights))
            let state = try await trainedAlike(file, in: scratch)
            let report = try await pleiad("evaluate", state, "--json").object()
            #expect(Set(report.keys) == ["knn", "linear", "classifier"])
            let own = (report["classifier"] as? [String: Double])?["top1"] ?? 0
            // Squares at ten places are easy once somebody says which is which.
            #expect(own > 0.9, "\(report)")
            let status = try SmallFiles.text(of: state + "/metrics.jsonl")
            #expect(status.contains("\"accuracy\""))
        }
    }
}
