import Foundation
import FoundationXML
import Testing

extension SystemTests {
    /// `pleiad sweep` on runs of seconds.
    @Suite struct SweepTests {
        /// A run file of a few steps on the small data.
        private func runFile(in scratch: ScratchDirectory, steps: Int = 12) throws -> String {
            let data = try SmallData.write(to: scratch)
            return try scratch.write("run.yaml", SmallRun.text(data: data, steps: steps))
        }

        private func lines(_ text: String) throws -> [[String: Any]] {
            try text.split(separator: "\n").map { try SmallFiles.object(String($0)) }
        }

        @Test func `every combination is trained and evaluated, and nothing is made twice`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let file = try runFile(in: scratch)
            let state = scratch.appending("sweep")
            let call = ["sweep", file, "--state", state, "--json", "--set"]
            let first = try RunningProgram(call + ["mlcd.rate=0.5,1"])
            #expect(try await first.exitCode(within: 60) == 0, "\(first.errors)")
            let runs = try lines(first.output)
            #expect(runs.map { ($0["set"] as? [String: Double])?["mlcd.rate"] } == [0.5, 1])
            for run in runs {
                let directory = run["directory"] as? String ?? ""
                let anew = try await pleiad("evaluate", directory, "--json").object()
                #expect(run["knn"] as? Double == (anew["knn"] as? [String: Double])?["top1"])
                #expect(run["linear"] as? Double == (anew["linear"] as? [String: Double])?["top1"])
                #expect(run["steps"] as? Int == 12)
                let figures = run["figures"] as? [String: Double]
                #expect(figures?["loss"] ?? 0 > 0)
            }
            #expect(runs[0]["knn"] as? Double != nil)
            // Two values more of another key: the grid grows, but the file's rate was made before.
            let more = try RunningProgram(call + ["mlcd.rate=1,0.25"])
            #expect(try await more.exitCode(within: 60) == 0, "\(more.errors)")
            #expect(more.errors.contains("was finished: mlcd.rate=1"))
            #expect(more.errors.contains("finished: mlcd.rate=0.25"))
            #expect(try lines(more.output).count == 2)
            let table = try String(contentsOfFile: state + "/sweep.md", encoding: .utf8)
            #expect(table.contains("| 0.25 | 1 |"))
            let svg = try Data(contentsOf: URL(fileURLWithPath: state + "/sweep.svg"))
            #expect(XMLParser(data: svg).parse())
        }

        @Test func `images are clustered once for all runs whose labels would be the same`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let file = try runFile(in: scratch)
            let state = scratch.appending("sweep")
            let sweep = try RunningProgram([
                "sweep", file, "--state", state, "--set", "mlcd.positives=4,3", "--set",
                "seed=3,4",
            ])
            #expect(try await sweep.exitCode(within: 60) == 0, "\(sweep.errors)")
            let labels = try [("4", "3"), ("4", "4"), ("3", "3"), ("3", "4")].map {
                try FileManager.default.attributesOfItem(
                    atPath: state + "/mlcd.positives=\($0),seed=\($1)/labels.safetensors"
                )[.systemFileNumber] as? Int
            }
            // Four labels an image are another file than three.
            #expect(labels[0] != nil && labels[0] == labels[1])
            #expect(labels[2] != nil && labels[2] == labels[3] && labels[0] != labels[2])
            let alone = try await pleiad(
                "train", state + "/mlcd.positives=4,seed=4.yaml", "--state",
                scratch.appending("alone"))
            #expect(alone.code == 0, "\(alone.errors)")
            let digests = try await [
                pleiad("digest", state + "/mlcd.positives=4,seed=4"),
                pleiad("digest", scratch.appending("alone")),
            ]
            #expect(!digests[0].output.isEmpty && digests[0].output == digests[1].output)
        }

        @Test func `a run that was made otherwise is not taken for one of the sweep`() async throws
        {
            let scratch = try ScratchDirectory()
            let file = try runFile(in: scratch)
            let state = scratch.appending("sweep")
            let arguments = ["sweep", file, "--state", state, "--set", "seed=3"]
            let first = try RunningProgram(arguments)
            #expect(try await first.exitCode(within: 60) == 0, "\(first.errors)")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            _ = try scratch.write("run.yaml", text.replacing("positives: 4", with: "positives: 2"))
            let second = try RunningProgram(arguments)
            #expect(try await second.exitCode(within: 60) == 2)
            #expect(second.errors.contains("mlcd.positives"), "\(second.errors)")
        }

        @Test func `every run's settings are checked before the first begins`() async throws {
            let scratch = try ScratchDirectory()
            let file = try runFile(in: scratch)
            let state = scratch.appending("sweep")
            let wrong = try await pleiad(
                "sweep", file, "--state", state, "--set", "mlcd.rate=0.1,7")
            #expect(wrong.code == 2 && wrong.errors.contains("mlcd.rate"), "\(wrong.errors)")
            #expect(!FileManager.default.fileExists(atPath: state))
            let bad = try await pleiad("sweep", file, "--state", state, "--set", "rate")
            #expect(bad.code == 2 && bad.errors.contains("KEY=VALUE"), "\(bad.errors)")
        }

        @Test func `Ctrl-C ends the run at work, and the same command goes on with it`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let file = try runFile(in: scratch, steps: 3000)
            let state = scratch.appending("sweep")
            let arguments = ["sweep", file, "--state", state, "--set", "seed=3", "--json"]
            let first = try RunningProgram(arguments)
            let metrics = state + "/seed=3/metrics.jsonl"
            let deadline = ContinuousClock.now + .seconds(30)
            while ((try? SmallFiles.bytes(of: metrics).count) ?? 0) < 2000 {
                try #require(ContinuousClock.now < deadline, "no step: \(first.errors)")
                try await Task.sleep(for: .milliseconds(20))
            }
            first.signal(SIGINT)
            #expect(try await first.exitCode(within: 30) == 1)
            #expect(first.errors.contains("the same command goes on"), "\(first.errors)")
            let made = try await pleiad("verify", state + "/seed=3")
            #expect(made.code == 0, "\(made.errors)")
            let steps = try SmallFiles.bytes(of: metrics).count(where: { $0 == 10 })
            #expect(steps > 1 && steps < 3000)
        }
    }
}
