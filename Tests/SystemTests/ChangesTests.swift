import Foundation
import Testing

extension SystemTests {
    /// Runs whose tables are large beside what a step moves: most of their checkpoints hold what
    /// has changed since an earlier one.
    @Suite struct ChangesTests {
        private static let steps = 500

        private static func text(
            data: String, every: String = "100ms", more: String = ""
        ) -> String {
            """
            method: mlcd
            seed: 5
            steps: \(steps)
            data: {path: \(data)}
            batch: {samples: 12, slices: 4}
            network: {kind: vit, patch: 7, width: 32, depth: 1, heads: 2}
            checkpoint: {every: \(every)\(more)}
            coordinator: {leaseTerm: 1s, helloTerm: 1s}
            mlcd:
              dim: 32
              centers: 1000
              positives: 1
              rate: 0.01
              table: {optimizer: sgd, momentum: 0.9}
              clustering: {pooling: 7, iterations: 1}
            """
        }

        /// The folders of checkpoints that hold changes, and of those that are whole.
        private func checkpoints(_ state: String) throws -> (based: [String], whole: [String]) {
            let files = try SmallFiles.all(below: state + "/checkpoints")
            func folders(_ name: String) -> [String] {
                files.filter { $0.hasSuffix("/" + name) }.map { String($0.prefix { $0 != "/" }) }
            }
            return (folders("tables.changes.safetensors"), folders("tables.safetensors"))
        }

        private func undisturbed(_ scratch: ScratchDirectory, _ file: String) async throws -> String
        {
            let state = scratch.appending("undisturbed")
            let ended = try await pleiad(
                "train", file, "--workers", "1", "--in-process", "--state", state)
            #expect(ended.code == 0, "\(ended.errors)")
            return try await pleiad("digest", state).output
        }

        @Test(.timeLimit(.minutes(3)))
        func `killed and restarted on checkpoints of changes, a run ends in the same bits`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let run = try await TrainingRun(in: scratch, text: Self.text(data: data))
            _ = try run.startWorker("w1")
            var seen = 0
            for step in [80, 160, 240] {
                try await run.wait(forStep: step)
                run.coordinator.signal(SIGKILL)
                _ = try await run.coordinator.exitCode(within: 10)
                seen += try checkpoints(run.state).based.count
                let verified = try await pleiad("verify", run.state)
                #expect(verified.code == 0, "\(verified.output)")
                try await run.restartCoordinator()
            }
            #expect(seen > 0)
            let digest = try await run.digestWhenDone()
            #expect(try await digest == undisturbed(scratch, run.file))
        }

        @Test(.timeLimit(.minutes(3)))
        func `base and changes are read as one, and a changed byte in either is named`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", Self.text(data: data, every: "10ms"))
            let state = scratch.appending("state")
            // Which checkpoints are whole depends on how fast steps are made: on until the newest
            // holds changes, and there is a base that is not its own.
            var last = 400
            var (based, whole): ([String], [String]) = ([], [])
            while last < Self.steps, !based.contains("step-\(last)") || whole.count < 2 {
                last += 5
                let ended = try await pleiad(
                    "train", file, "--workers", "1", "--state", state, "--steps", "\(last)")
                #expect(ended.code == 0, "\(ended.errors)")
                (based, whole) = try checkpoints(state)
            }
            let newest = "step-\(last)"
            #expect(based.contains(newest) && whole.count >= 2, "\(based) \(whole)")
            let digest = try await pleiad("digest", state).output
            #expect(digest.hasPrefix("step \(last)\n"))
            let table = try await pleiad("table", state, "--json")
            #expect(table.code == 0, "\(table.errors)")
            // Every file of the newest checkpoint and of its base.
            let manifest = try SmallFiles.text(
                of: state + "/checkpoints/\(newest)/manifest.json")
            let base = try #require(
                whole.first { manifest.contains("\"step\": \($0.dropFirst(5)),") })
            for (folder, name) in [
                (newest, "tables.changes.safetensors"), (newest, "manifest.json"),
                (newest, "model.safetensors"), (base, "tables.safetensors"),
                (base, "manifest.json"),
            ] {
                let path = "\(state)/checkpoints/\(folder)/\(name)"
                let place = try SmallFiles.bytes(of: path).count - 9
                try SmallFiles.flipBit(of: path, at: place)
                let verified = try await pleiad("verify", state, "--json")
                #expect(verified.code == 1)
                let problems = try verified.object()["problems"] as? [[String: Any]] ?? []
                #expect(
                    problems.compactMap { $0["file"] as? String }
                        == ["checkpoints/\(folder)/\(name)"], "\(verified.output)")
                // An older one is taken, whose step is not the last.
                let other = try await pleiad("digest", state)
                #expect(other.code == 0 && !other.output.hasPrefix("step \(last)\n"))
                try SmallFiles.flipBit(of: path, at: place)
            }
            #expect(try await pleiad("digest", state).output == digest)
            // And a run goes on from an older one to the same end.
            let path = "\(state)/checkpoints/\(base)/tables.safetensors"
            try SmallFiles.flipBit(of: path, at: try SmallFiles.bytes(of: path).count / 2)
            let again = try await pleiad(
                "train", file, "--workers", "1", "--state", state, "--steps", "\(last)")
            #expect(again.code == 0, "\(again.errors)")
            #expect(again.errors.contains("passed over checkpoint step \(last)"))
            #expect(again.errors.contains("\(base)/tables.safetensors"))
            #expect(try await pleiad("digest", state).output == digest)
        }

        @Test(.timeLimit(.minutes(3)))
        func `without room for copies steps wait for the disk, with the same bits`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write(
                "run.yaml", Self.text(data: data, more: ", copyBudget: 0 B"))
            let state = scratch.appending("state")
            let ended = try await pleiad("train", file, "--workers", "1", "--state", state)
            #expect(ended.code == 0, "\(ended.errors)")
            let other = try scratch.write("other.yaml", Self.text(data: data))
            #expect(try await pleiad("digest", state).output == undisturbed(scratch, other))
            let checked = try await pleiad("check", file)
            #expect(checked.output.contains("copyBudget: \"0 B\""))
            #expect(checked.errors.contains("0 of copied table rows (checkpoint.copyBudget)"))
        }
    }
}
