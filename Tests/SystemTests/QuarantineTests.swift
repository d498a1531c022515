import Foundation
import Testing

extension SystemTests {
    /// A worker computes wrong bits (`PLEIAD_FAILPOINT`): it is found and kept out, the others go
    /// on, and the run ends with the bits that it should have.
    @Suite struct QuarantineTests {
        /// The run on the small data in a scratch directory.
        private struct Place {
            let scratch: ScratchDirectory
            let file: String
            var state: String { scratch.appending("state") }

            init(disputeTerm: String = "30s") throws {
                scratch = try ScratchDirectory()
                let text = SmallRun.text(data: try SmallData.write(to: scratch))
                    .replacingOccurrences(
                        of: "helloTerm: 1s", with: "helloTerm: 1s, disputeTerm: \(disputeTerm)")
                file = try scratch.write("run.yaml", text)
            }

            func train(_ options: String..., failPoint: String) async throws -> Ended {
                try await pleiad(
                    ["train", file, "--state", state] + options,
                    environment: ["PLEIAD_FAILPOINT": failPoint], within: 90)
            }

            func events() throws -> String { try SmallFiles.text(of: state + "/events.jsonl") }
        }

        @Test(.timeLimit(.minutes(2)))
        func `train goes on without a worker whose result was wrong, and says so`() async throws {
            let place = try Place()
            let ended = try await place.train("--workers", "3", failPoint: "w2.result:20")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(
                ended.errors.contains(
                    "worker w2 computed wrong bits and is kept out; the run goes on with 2 of 3"),
                "\(ended.errors)")
            #expect(try place.events().contains("silent corruption found: worker w2"))
            #expect(try await pleiad("digest", place.state).output == SmallRun.digest.value)
            #expect(try await pleiad("ledger", "verify", place.state).code == 0)
        }

        @Test(.timeLimit(.minutes(2)))
        func `so does train in one process`() async throws {
            let place = try Place()
            let ended = try await place.train(
                "--workers", "3", "--in-process", failPoint: "w2.result:20")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.errors.contains("worker w2: The worker computed wrong bits"))
            #expect(try await pleiad("digest", place.state).output == SmallRun.digest.value)
        }

        /// A lone worker is asked again after the term; it contradicts itself.
        @Test(.timeLimit(.minutes(2)), arguments: [[], ["--in-process"]])
        func `train ends if its last worker is kept out, and resumes`(
            options: [String]
        ) async throws {
            let place = try Place(disputeTerm: "1s")
            let ended = try await pleiad(
                ["train", place.file, "--state", place.state] + options,
                environment: ["PLEIAD_FAILPOINT": "w1.result:40"], within: 60)
            #expect(ended.code == 1, "\(ended.errors)")
            #expect(ended.errors.contains("what is committed stays"), "\(ended.errors)")
            #expect(try place.events().contains("silent corruption found: worker w1"))
            let resumed = try await pleiad("train", place.file, "--state", place.state)
            #expect(resumed.code == 0, "\(resumed.errors)")
            #expect(try await pleiad("digest", place.state).output == SmallRun.digest.value)
        }

        /// The slice is computed twice, since the worker dies with its result.
        @Test(.timeLimit(.minutes(2)))
        func `a worker that exchanged a wrong bit and died is refused when it comes back`()
            async throws
        {
            let run = try await TrainingRun(in: ScratchDirectory())
            let sound = try ["w1", "w3"].map { try run.startWorker($0) }
            let faulty = try run.startWorker("w2", failPoint: "w2.input:30")
            #expect(try await faulty.exitCode(within: 60) == 128 + SIGKILL)
            let found = try await run.status { $0.state(of: "w2") == "quarantined" }
            #expect(found.worker("w2")?["end"] as? String != "")
            let again = try run.startWorker("w2")
            #expect(try await again.exitCode(within: 30) == 3)
            #expect(again.errors.contains("silent corruption found: worker w2"))
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
            for worker in sound { #expect(try await worker.exitCode(within: 20) == 0) }
        }
    }
}
