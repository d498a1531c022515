import Foundation
import Testing

extension SystemTests {
    /// What every command promises: help, exit codes, addresses.
    @Suite struct CommandTests {
        static let commands = [
            "train", "coordinator", "worker", "status", "digest", "check", "evaluate", "cluster",
            "patches",
            "embed", "export", "table", "gallery",
        ]

        @Test(arguments: commands)
        func `every command explains itself and shows an example`(command: String) async throws {
            let help = try await pleiad(command, "--help")
            #expect(help.code == 0)
            #expect(help.output.contains("Example"))
            #expect(help.output.contains("\n  pleiad \(command)"), "\(help.output)")
        }

        @Test func `pleiad alone shows its commands`() async throws {
            let help = try await pleiad()
            #expect(help.code == 0)
            for command in Self.commands { #expect(help.output.contains("\n  \(command)")) }
        }

        @Test(arguments: [
            ["train"], ["frobnicate"], ["train", "run.yaml", "--state", "d", "--workers", "0"],
            ["train", "run.yaml", "--state", "d", "--steps", "0"], ["status", "--frobnicate"],
            ["worker", "--slots", "0"], ["worker", "--slots", "many"], ["digest"], ["check"],
            ["cluster", "--centers", "1", "--out", "f"],
            ["cluster", "--centers", "4", "--out", "f", "--features", "a", "--checkpoint", "b"],
            ["evaluate", "d", "--untrained", "--pixels"], ["embed", "d"],
        ])
        func `wrong usage exits with 64 and says how it is meant`(words: [String]) async throws {
            let program = try RunningProgram(words)
            #expect(try await program.exitCode(within: 20) == 64)
            #expect(program.errors.contains("Usage: pleiad"), "\(program.errors)")
            #expect(program.output.isEmpty)
        }

        @Test(arguments: [
            ["status", "nonsense"], ["worker", "--join", "nonsense"],
            ["worker", "--join", "tcp://127.0.0.1:99999"], ["worker", "--join", "http://a:1"],
        ])
        func `an address that cannot be one is refused at once`(words: [String]) async throws {
            let program = try RunningProgram(words)
            #expect(try await program.exitCode(within: 20) == 2)
            #expect(program.errors.contains("tcp://HOST:PORT"), "\(program.errors)")
            #expect(program.errors.contains(words[words.count - 1]))
        }

        @Test(arguments: ["a b", "", "käse", String(repeating: "x", count: 65)])
        func `a worker's name that cannot be one is refused at once`(name: String) async throws {
            let ended = try await pleiad(
                "worker", "--join", "tcp://127.0.0.1:1", "--name", name, within: 20)
            #expect(ended.code == 2)
            #expect(ended.errors.contains("name"), "\(ended.errors)")
        }

        @Test func `check prints every mistake with file, line and key, and exits with 2`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let file = try scratch.write("bad.yaml", Self.mistaken)
            let state = scratch.appending("state")
            let checked = try await pleiad("check", file)
            let trained = try await pleiad("train", file, "--state", state)
            let coordinated = try await pleiad("coordinator", file, "--state", state)
            for ended in [checked, trained, coordinated] {
                #expect(ended.code == 2)
                #expect(ended.output.isEmpty)
                for (line, key) in Self.mistakes {
                    #expect(
                        ended.errors.contains("bad.yaml:\(line): \(key): "), "\(ended.errors)")
                }
            }
            #expect(!FileManager.default.fileExists(atPath: state))
        }

        /// A run file of mistakes: unknown keys, wrong types, numbers out of range.
        private static let mistaken = """
            method: mlcd
            steps: many
            bach: {samples: 4}
            batch: {samples: 0, slices: 8}
            optimizer: {learningRate: fast}
            checkpoint: {every: 3}
            mlcd:
              centers: 64
              positivs: 8
              rate: 2
            """

        private static let mistakes = [
            (2, "steps"), (3, "bach"), (4, "batch.samples"), (5, "optimizer.learningRate"),
            (6, "checkpoint.every"), (9, "mlcd.positivs"), (10, "mlcd.rate"),
        ]

        @Test func `check prints a good run file with every default`() async throws {
            let checked = try await pleiad("check", "deploy/runs/fashion-mlcd-quick.yaml")
            #expect(checked.code == 0, "\(checked.errors)")
            #expect(checked.output.contains("beta2"))
            #expect(checked.output.contains("steps: 1000"))
            let scratch = try ScratchDirectory()
            let again = try await pleiad(
                "check", try scratch.write("again.yaml", checked.output))
            #expect(again.code == 0, "\(again.errors)")
            #expect(again.output == checked.output)
        }

        @Test func `a run file that is not there exits with 2`() async throws {
            for command in ["check", "train", "coordinator"] {
                let rest = command == "check" ? [] : ["--state", "/tmp/no-such-state"]
                let program = try RunningProgram([command, "no-such-run.yaml"] + rest)
                #expect(try await program.exitCode(within: 20) == 2)
                #expect(program.errors.contains("no-such-run.yaml: cannot be read: no such file"))
            }
        }

        @Test func `status of nobody says so and exits with 1`() async throws {
            for words in [[], ["--json"]] {
                let program = try RunningProgram(["status", "tcp://127.0.0.1:1"] + words)
                #expect(try await program.exitCode(within: 20) == 1)
                #expect(program.errors.contains("nobody answers at tcp://127.0.0.1:1"))
                #expect(program.output.isEmpty)
            }
        }

        @Test func `status looks where PLEIAD_COORDINATOR says`() async throws {
            let url = "tcp://127.0.0.1:2"
            let ended = try await pleiad("status", environment: ["PLEIAD_COORDINATOR": url])
            #expect(ended.code == 1)
            #expect(ended.errors.contains(url), "\(ended.errors)")
            let given = try await pleiad(
                "status", "tcp://127.0.0.1:3", environment: ["PLEIAD_COORDINATOR": url])
            #expect(given.errors.contains("tcp://127.0.0.1:3"), "\(given.errors)")
        }

        @Test(arguments: ["digest", "evaluate", "embed", "export", "table", "gallery"])
        func `a directory without a run, or without a checkpoint, exits with 2`(
            command: String
        )
            async throws
        {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let files = ["embed": "f.npy", "export": "f.safetensors", "gallery": "f.html"]
            let rest = files[command].map { ["--out", scratch.appending($0)] } ?? []
            for (folder, words) in [("none", "holds no run"), ("new", "no whole checkpoint")] {
                if folder == "new" {
                    // A coordinator that was killed before its first checkpoint.
                    let file = try scratch.write("run.yaml", SmallRun.text(data: data))
                    let coordinator = try RunningProgram([
                        "coordinator", file, "--state", scratch.appending(folder),
                        "--listen", "tcp://127.0.0.1:0",
                    ])
                    _ = try await coordinator.line(after: "listening ", within: 30)
                    coordinator.signal(SIGKILL)
                    _ = try await coordinator.exitCode(within: 10)
                }
                let program = try RunningProgram([command, scratch.appending(folder)] + rest)
                #expect(try await program.exitCode(within: 30) == 2)
                #expect(program.errors.contains(words), "\(program.errors)")
                #expect(program.output.isEmpty)
            }
        }
    }
}
