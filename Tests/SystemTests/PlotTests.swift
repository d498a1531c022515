import Foundation
import FoundationXML
import Testing

extension SystemTests {
    /// Curves and evaluations on the way.
    @Suite struct PlotTests {
        @Test func `plot draws a run's figures and its evaluations`() async throws {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            let recorded = try await pleiad("evaluate", state, "--knn", "--record", "--json")
            #expect(recorded.code == 0, "\(recorded.errors)")
            let out = scratch.appending("curves.svg")
            let plotted = try await pleiad("plot", state, "--out", out)
            #expect(plotted.code == 0, "\(plotted.errors)")
            let svg = try Data(contentsOf: URL(fileURLWithPath: out))
            #expect(XMLParser(data: svg).parse())
            let text = String(decoding: svg, as: UTF8.self)
            for words in ["loss", "cosine.positive", "learning rate", "accuracy", "knn.top1"] {
                #expect(text.contains(">\(words)"), "\(words)")
            }
            let printed = try await pleiad("plot", state)
            #expect(printed.output == text, "the same figures, the same bytes")
        }

        @Test func `what is no run, or has no such checkpoint, is refused`() async throws {
            let scratch = try ScratchDirectory()
            #expect(try await pleiad("plot", scratch.appending("nothing")).code == 2)
            let state = try await HalfRun.state()
            let missing = try await pleiad("evaluate", state, "--step", "7")
            #expect(missing.code != 0 && missing.errors.contains("7"), "\(missing.errors)")
            let wrong = try await pleiad("evaluate", state, "--pixels", "--record")
            #expect(wrong.code == 64)
        }

        @Test func `checkpoints are evaluated beside the training, and the last one at its end`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write(
                "run.yaml", SmallRun.text(data: data) + "\nevaluate: {every: 60, linear: true}\n")
            let state = scratch.appending("state")
            let ended = try await pleiad("train", file, "--workers", "2", "--state", state)
            #expect(ended.code == 0, "\(ended.errors)")
            let folder = state + "/evaluations"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.contains("step-\(SmallRun.steps).json"), "\(names)")
            let last = try SmallFiles.object(
                String(contentsOfFile: folder + "/step-\(SmallRun.steps).json", encoding: .utf8))
            let anew = try await pleiad("evaluate", state, "--json").object()
            let (knn, linear) = (
                anew["knn"] as? [String: Double], anew["linear"] as? [String: Double]
            )
            #expect(last["knn.top1"] as? Double == knn?["top1"])
            #expect(last["linear.top1"] as? Double == linear?["top1"])
            // Training neither waited nor changed.
            let digest = try await pleiad("digest", state)
            #expect(try await digest.output.contains(SmallRun.digest.value))
            #expect(try await pleiad("verify", state).code == 0)
        }
    }
}
