import Foundation
import Testing

extension SystemTests {
    /// What `pleiad evaluate` measures of a run with a memory bank, and what status shows of it.
    @Suite struct EvaluateTests {
        /// Instance discrimination on the small data, 25 steps a data epoch.
        private static func text(data: String, more: String = "", steps: Int = 200) -> String {
            """
            method: contrastive
            seed: 5
            steps: \(steps)
            data: {path: \(data)}
            batch: {samples: 48, slices: 4, dropLast: false}
            network: {kind: conv, widths: [8, 16], initialisation: kaiming}
            views: {area: [0.7, 1], flip: 0, brightness: 0.4, contrast: 0.4}
            optimizer: {kind: sgd, learningRate: 0.05}
            schedule: {kind: constant}
            checkpoint: {every: 100ms}
            contrastive: {dim: 16, temperature: 0.2, headInitialisation: xavier\(more)}
            """
        }

        /// A run that is over, for who only reads it.
        private static let made = Task {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", text(data: data))
            let ended = try await pleiad(
                "train", file, "--workers", "2", "--state", scratch.appending("state"))
            guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
            return scratch
        }

        @Test func `test images are asked about among the rows of the bank`() async throws {
            let scratch = try await Self.made.value
            let state = scratch.appending("state")
            let evaluated = try await pleiad("evaluate", state, "--knn", "--json").object()
            let knn = try #require(evaluated["knn"] as? [String: Double])
            #expect(Set(knn.keys) == ["top1", "embedding_top1", "bank_top1"])
            // Ten classes; few steps.
            #expect(knn["bank_top1"] ?? 0 > 0.2, "\(knn)")
            let analysis = try await pleiad("analyse", state, "--json").object()
            #expect(analysis["knn_bank"] as? Double == knn["bank_top1"])
            #expect(analysis["knn"] as? Double == knn["embedding_top1"])
            let text = try await pleiad("evaluate", state, "--knn").output
            #expect(text.contains("(embeddings, in the run's bank)"), "\(text)")
            // The network as it began has no bank.
            let first = try await pleiad("evaluate", state, "--knn", "--untrained", "--json")
            #expect((try first.object()["knn"] as? [String: Double])?["bank_top1"] == nil)
            let whole = try await pleiad(
                "evaluate", state, "--knn", "--data", SmallData.fashionMNIST)
            #expect(whole.code == 2 && whole.errors.contains("a row for each of 1200"))
        }

        @Test func `a queue of keys is no bank`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write(
                "run.yaml", Self.text(data: data, more: ", loss: moco, queue: 96", steps: 20))
            let state = scratch.appending("state")
            #expect(try await pleiad("train", file, "--in-process", "--state", state).code == 0)
            let evaluated = try await pleiad("evaluate", state, "--knn", "--json").object()
            let knn = try #require(evaluated["knn"] as? [String: Double])
            #expect(Set(knn.keys) == ["top1", "embedding_top1"])
            let analysis = try await pleiad("analyse", state, "--json").object()
            #expect(analysis["knn_bank"] is NSNull)
        }

        @Test func `one linear layer is trained on features as they are, and recorded`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let state = try scratch.copy(
                try await Self.made.value.appending("state"), as: "state")
            let call = ["evaluate", state, "--linear-sgd", "--json"]
            let ended = try await pleiad(call + ["--record"])
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.errors.contains("epoch 100 of 100"), "\(ended.errors)")
            let document = try ended.object()
            #expect(Set(document.keys) == ["linear_sgd"])
            let found = try #require(document["linear_sgd"] as? [String: Double])
            // A class is a place, which half of the mirror images show at another one's.
            #expect(found["top1"] ?? 0 > 0.3 && found["loss"] ?? -1 >= 0, "\(found)")
            #expect(try await pleiad(call).output == ended.output)
            let kept = try SmallFiles.object(
                SmallFiles.text(of: state + "/evaluations/step-200.json"))
            #expect(kept["linear_sgd.top1"] as? Double == found["top1"])
            #expect(try await pleiad("verify", state).code == 0)
            let pixels = try await pleiad("evaluate", state, "--pixels", "--linear-sgd")
            #expect(pixels.code == 64 && pixels.errors.contains("--linear-sgd"))
        }

        @Test(.timeLimit(.minutes(2)))
        func `every data epoch is measured on the way, and status shows the newest`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let run = try await TrainingRun(
                in: scratch,
                text: Self.text(data: data, steps: 600) + "\nevaluate: {everyEpoch: true}\n",
                options: [])
            _ = try run.startWorker("w1")
            func evaluation(_ view: StatusView) -> [String: Any]? {
                view.document["evaluation"] as? [String: Any]
            }
            let during = try await run.status { evaluation($0) != nil }
            let first = try #require(evaluation(during))
            #expect(Set(first.keys) == ["step", "accuracies"])
            // A data epoch has 25 steps, and none was over before.
            let step = try #require(first["step"] as? Int)
            #expect(step >= 25 && step <= during.step)
            let accuracies = first["accuracies"] as? [[String: Any]] ?? []
            let names = accuracies.map { $0["name"] as? String ?? "" }
            #expect(names == ["knn.bank_top1", "knn.embedding_top1", "knn.top1"])
            let file = try SmallFiles.object(
                SmallFiles.text(of: run.state + "/evaluations/step-\(step).json"))
            for (name, accuracy) in zip(names, accuracies) {
                #expect(accuracy["value"] as? Double == file[name] as? Double)
            }
            let figures = during.document["figures"] as? [[String: Any]] ?? []
            #expect(figures.contains { $0["name"] as? String == "separation" })
            _ = try await run.status { $0.state == "done" }
            _ = try await run.status { evaluation($0)?["step"] as? Int == 600 }
            let table = try await pleiad("status", run.url).output
            #expect(table.contains("measured step 600: knn.bank_top1 "), "\(table)")
            run.coordinator.signal(SIGTERM)
            #expect(try await run.coordinator.exitCode(within: 20) == 0)
        }
    }
}
