import Foundation
import Testing

extension SystemTests {
    /// State directories and addresses that are not for this run, or are damaged.
    @Suite struct BadStateTests {
        private func resume(_ file: String, _ state: String) async throws -> Ended {
            try await pleiad("train", file, "--workers", "2", "--state", state)
        }

        @Test func `a port in use is named, and the run that has it goes on`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let scratch = try ScratchDirectory()
            let program = try RunningProgram([
                "coordinator", run.file, "--state", scratch.appending("other"), "--listen",
                run.url,
            ])
            #expect(try await program.exitCode(within: 30) == 2)
            #expect(program.errors.contains("\(run.url) is in use"), "\(program.errors)")
            #expect(try await run.status().step == 0)
        }

        @Test func `a state directory in use names the host and process that hold it`()
            async throws
        {
            let run = try await TrainingRun(in: ScratchDirectory())
            for command in ["coordinator", "train"] {
                let listen = command == "train" ? [] : ["--listen", "tcp://127.0.0.1:0"]
                let program = try RunningProgram(
                    [command, run.file, "--state", run.state] + listen)
                #expect(try await program.exitCode(within: 30) == 2)
                let host = ProcessInfo.processInfo.hostName
                #expect(program.errors.contains("in use by"), "\(program.errors)")
                #expect(program.errors.contains("\(run.coordinator.identifier)"))
                #expect(program.errors.contains(host), "\(host): \(program.errors)")
            }
            _ = try run.startWorker("w1")
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        @Test func `a state directory of another run names the key that differs`() async throws {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            let before = try await pleiad("digest", state).output
            let data = try SmallData.write(to: scratch)
            let other = try scratch.write("other.yaml", SmallRun.text(data: data, seed: 6))
            let ended = try await resume(other, state)
            #expect(ended.code == 2)
            #expect(ended.errors.contains("holds another run"), "\(ended.errors)")
            #expect(ended.errors.contains("seed"), "\(ended.errors)")
            #expect(try await pleiad("digest", state).output == before)
        }

        @Test func `a state directory of other data says so`() async throws {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            let data = try SmallData.write(to: scratch)
            try SmallFiles.flipBit(of: data + "/train-images-idx3-ubyte", at: 5000)
            let file = try scratch.write("run.yaml", SmallRun.text(data: data))
            let ended = try await resume(file, state)
            #expect(ended.code == 2)
            #expect(ended.errors.contains("was made with other data"), "\(ended.errors)")
        }

        @Test func `the half run, resumed, ends in the same bits`() async throws {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            #expect(try await resume(file, state).code == 0)
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
        }

        @Test(arguments: [
            "model.safetensors", "optimizer.safetensors", "tables.safetensors", "manifest.json",
        ])
        func `a damaged newest checkpoint is passed over, with the same bits`(
            name: String
        )
            async throws
        {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            let path = "\(state)/checkpoints/step-\(HalfRun.steps)/\(name)"
            try SmallFiles.flipBit(of: path, at: SmallFiles.bytes(of: path).count - 5)
            let digest = try await pleiad("digest", state)
            #expect(digest.code == 0 && !digest.output.hasPrefix("step \(HalfRun.steps)\n"))
            let ended = try await resume(file, state)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
            let events = try SmallFiles.text(of: state + "/events.jsonl")
            for told in [events, ended.errors] {
                let line = told.split(separator: "\n").first {
                    $0.contains("passed over checkpoint")
                }
                #expect(line?.contains(name) == true, "\(told)")
            }
            #expect(try await pleiad("verify", state).code == 0)
        }

        @Test func `a damaged line in the middle of the ledger is named`() async throws {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            let ledger = state + "/ledger"
            let lines = try SmallFiles.text(of: ledger).split(separator: "\n")
            let place = lines[..<9].reduce(0) { $0 + $1.utf8.count + 1 } + 40
            try SmallFiles.flipBit(of: ledger, at: place)
            let damaged = try SmallFiles.bytes(of: ledger)
            let ended = try await resume(file, state)
            #expect(ended.code == 1)
            #expect(ended.errors.contains("\(ledger): is damaged"), "\(ended.errors)")
            #expect(ended.errors.contains("line 10"), "\(ended.errors)")
            #expect(try SmallFiles.bytes(of: ledger) == damaged, "it is left as it is")
        }

        @Test func `a torn end of the ledger is cut off, and the run goes on`() async throws {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            let ledger = state + "/ledger"
            let last = try SmallFiles.text(of: ledger).split(separator: "\n").last ?? ""
            try SmallFiles.append(Array(last.utf8.prefix(last.utf8.count / 2)), to: ledger)
            let ended = try await resume(file, state)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
        }
    }
}
