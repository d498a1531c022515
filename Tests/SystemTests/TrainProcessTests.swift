import Foundation
import Testing

extension SystemTests {
    /// `pleiad train` and the worker processes that it starts.
    @Suite struct TrainProcessTests {
        /// A `train` process and where its coordinator listens.
        private struct Training {
            let program: RunningProgram
            let scratch: ScratchDirectory
            let url: String
            var state: String { scratch.appending("state") }

            init() async throws {
                scratch = try ScratchDirectory()
                let data = try SmallData.write(to: scratch)
                let file = try scratch.write("run.yaml", SmallRun.text(data: data))
                program = try RunningProgram([
                    "train", file, "--workers", "2", "--state", scratch.appending("state"),
                ])
                let line = try await program.line(after: "coordinator at ", within: 20)
                url = String(line.prefix { $0 != "," })
            }

            /// Process ids of its workers, by name.
            func workers() throws -> [String: Int32] {
                var found: [String: Int32] = [:]
                for entry in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
                    guard let id = Int32(entry),
                        let line = try? SmallFiles.text(of: "/proc/\(entry)/cmdline")
                    else { continue }
                    let words = line.split(separator: "\0").map(String.init)
                    guard words.contains(url), let name = words.firstIndex(of: "--name") else {
                        continue
                    }
                    found[words[name + 1]] = id
                }
                return found
            }

            func status(until isWanted: (StatusView) -> Bool) async throws -> StatusView {
                let deadline = ContinuousClock.now + .seconds(30)
                while ContinuousClock.now < deadline {
                    let status = try await StatusView(of: url)
                    if isWanted(status) { return status }
                }
                throw ProgramFailure(description: "waited for a status: \(program.errors)")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `train starts a killed worker again`() async throws {
            let training = try await Training()
            _ = try await training.status { $0.step >= 10 && $0.state(of: "w1") == "ready" }
            let before = try training.workers()
            #expect(Set(before.keys) == ["w1", "w2"])
            let victim = try #require(before["w1"])
            kill(victim, SIGKILL)
            let back = try await training.status {
                $0.incarnation(of: "w1") >= 3 && $0.state(of: "w1") == "ready"
            }
            #expect(back.step < SmallRun.steps)
            #expect(try training.workers()["w1"] != victim)
            #expect(try await training.program.exitCode(within: 60) == 0)
            #expect(training.program.errors.contains("worker w1 died of signal 9"))
            #expect(try await pleiad("digest", training.state).output == SmallRun.digest.value)
            #expect(try training.workers().isEmpty)
        }

        @Test(.timeLimit(.minutes(2)))
        func `train killed leaves no worker behind`() async throws {
            let training = try await Training()
            _ = try await training.status { $0.step >= 5 }
            #expect(try training.workers().count == 2)
            training.program.signal(SIGKILL)
            let deadline = ContinuousClock.now + .seconds(3)
            while try !training.workers().isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try training.workers().isEmpty)
        }

        @Test(.timeLimit(.minutes(2)), arguments: [false, true])
        func `Ctrl-C ends train after the open step, and it resumes`(toAll: Bool) async throws {
            let training = try await Training()
            let before = try await training.status { $0.step >= 20 }.step
            // A terminal sends Ctrl-C to all processes of the group.
            if toAll { for worker in try training.workers().values { kill(worker, SIGINT) } }
            training.program.signal(SIGINT)
            #expect(try await training.program.exitCode(within: 15) == 0)
            #expect(training.program.errors.contains("stopped"), "\(training.program.errors)")
            #expect(try training.workers().isEmpty)
            let ledger = try SmallFiles.text(of: training.state + "/ledger")
            let made = ledger.split(separator: "\n").count
            #expect(made >= before && made < SmallRun.steps)
            let saved = try await pleiad("digest", training.state).output
            #expect(saved.hasPrefix("step \(made)\n"), "\(saved)")
            let file = training.scratch.appending("run.yaml")
            let ended = try await pleiad("train", file, "--state", training.state)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await pleiad("digest", training.state).output == SmallRun.digest.value)
        }
    }
}
