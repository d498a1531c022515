import Foundation
import Testing

extension SystemTests {
    /// `pleiad verify` and `pleiad ledger verify` on directories of real runs.
    @Suite struct VerifyTests {
        /// A state directory whose coordinator was killed in mid-run, and the run's file.
        private func killedRun(_ scratch: ScratchDirectory) async throws -> String {
            let run = try await TrainingRun(in: scratch)
            _ = try run.startWorker("w1")
            try await run.wait(forStep: 40)
            run.coordinator.signal(SIGKILL)
            _ = try await run.coordinator.exitCode(within: 10)
            return run.state
        }

        private func problems(_ ended: Ended) throws -> [String] {
            let list = try ended.object()["problems"] as? [[String: Any]] ?? []
            return list.compactMap { $0["file"] as? String }
        }

        /// Flips bits at seeded random places, the first and the last byte of every file among
        /// them, and expects that just this file is named each time.
        ///
        /// A checkpoint that a kill left unfinished is none yet: nothing is said of its bytes.
        private func flipEverywhere(_ state: String, seed: UInt64) async throws -> Int {
            var bits = seed
            func draw(_ bound: Int) -> Int {
                bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(bits >> 33) % bound
            }
            var flips = 0
            for file in try SmallFiles.all(below: state)
            where file != "lock" && !file.hasPrefix("checkpoints/writing.tmp/") {
                let path = "\(state)/\(file)"
                let bytes = try SmallFiles.bytes(of: path)
                let places = [0, bytes.count - 1] + (0..<4).map { _ in draw(bytes.count) }
                for place in Set(places).sorted() {
                    var changed = bytes
                    changed[place] ^= 1 << UInt8(draw(8))
                    try Data(changed).write(to: URL(fileURLWithPath: path))
                    let ended = try await pleiad("verify", state, "--json")
                    #expect(ended.code == 1, "byte \(place) of \(file) was not found")
                    #expect(
                        Set(try problems(ended)) == [file],
                        "byte \(place) of \(file): \(ended.output)")
                    #expect(ended.errors.contains(file), "\(ended.errors)")
                    flips += 1
                }
                try Data(bytes).write(to: URL(fileURLWithPath: path))
            }
            return flips
        }

        @Test(.timeLimit(.minutes(2)))
        func `one changed byte in any file of a finished run is found and named`() async throws {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            #expect(try await pleiad("evaluate", state, "--knn", "--record").code == 0)
            let before = try await pleiad("verify", state)
            #expect(before.code == 0 && before.output.hasSuffix("\nsound\n"), "\(before.output)")
            #expect(try await flipEverywhere(state, seed: 1) > 60)
            #expect(try await pleiad("verify", state).code == 0, "nothing was changed by looking")
        }

        @Test(.timeLimit(.minutes(2)))
        func `one changed byte is found after a kill too`() async throws {
            let scratch = try ScratchDirectory()
            let state = try await killedRun(scratch)
            let before = try await pleiad("verify", state)
            #expect(before.code == 0, "\(before.output)\(before.errors)")
            #expect(try await flipEverywhere(state, seed: 2) > 60)
        }

        @Test(.timeLimit(.minutes(2)))
        func `a directory is verified while a coordinator runs on it`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            _ = try run.startWorker("w1")
            try await run.wait(forStep: 5)
            for _ in 0..<10 where run.coordinator.isRunning {
                let ended = try await pleiad("verify", run.state)
                #expect(ended.code == 0, "\(ended.output)")
            }
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        @Test(.timeLimit(.minutes(1)))
        func `the ledger of a run proves its schedule, and says who delivered`() async throws {
            let state = try await HalfRun.state()
            let ended = try await pleiad("ledger", "verify", state, "--json")
            #expect(ended.code == 0, "\(ended.errors)")
            let ledger = try #require(try ended.object()["ledger"] as? [String: Any])
            #expect(ledger["steps"] as? Int == HalfRun.steps)
            #expect(ledger["samples"] as? Int == HalfRun.steps * 48)
            #expect(ledger["whole_data_epochs"] as? Int == HalfRun.steps / 25)
            #expect((ledger["checkpoints"] as? [Int])?.contains(HalfRun.steps) == true)
            let text = try await pleiad("ledger", "verify", state).output
            #expect(text.contains("counted exactly once"), "\(text)")
        }

        @Test(.timeLimit(.minutes(1)))
        func `a forged range with a valid checksum is named by line`() async throws {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            let ledger = state + "/ledger"
            var lines = try SmallFiles.text(of: ledger).split(separator: "\n").map(String.init)
            let body = lines[9].components(separatedBy: ",\"crc\":")[0]
                .replacingOccurrences(of: "\"rows\":[6,12]", with: "\"rows\":[6,11]")
            lines[9] = body + ",\"crc\":\"\(crc32c(Array(body.utf8)))\"}"
            try Data((lines.joined(separator: "\n") + "\n").utf8)
                .write(to: URL(fileURLWithPath: ledger))
            for command in [["ledger", "verify"], ["verify"]] {
                let program = try RunningProgram(command + [state, "--json"])
                #expect(try await program.exitCode(within: 20) == 1)
                #expect(program.output.contains("line 10 gives slice 1 the rows 6..<11"))
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a directory without a run is wrong input`() async throws {
            let scratch = try ScratchDirectory()
            for path in [scratch.path, scratch.appending("nothing")] {
                for command in [["ledger", "verify"], ["verify"]] {
                    let program = try RunningProgram(command + [path])
                    #expect(try await program.exitCode(within: 20) == 2)
                }
            }
        }

        /// CRC-32C, bit by bit: this test's own.
        private func crc32c(_ bytes: [UInt8]) -> String {
            var state = UInt32.max
            for byte in bytes {
                state ^= UInt32(byte)
                for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0x82f6_3b78 : 0) }
            }
            return String(format: "%08x", ~state)
        }
    }
}
