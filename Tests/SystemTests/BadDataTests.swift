import Foundation
import Testing

extension SystemTests {
    /// Data that cannot be used: named with its remedy, by every command that reads it.
    @Suite struct BadDataTests {
        private func train(_ scratch: ScratchDirectory, data: String) async throws -> Ended {
            let file = try scratch.write("run.yaml", SmallRun.text(data: data))
            let state = scratch.appending("state")
            let ended = try await pleiad("train", file, "--state", state, within: 30)
            #expect(!FileManager.default.fileExists(atPath: state), "nothing is begun")
            return ended
        }

        @Test(arguments: SmallData.names)
        func `a missing file of data is named with the remedy`(name: String) async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            try FileManager.default.removeItem(atPath: "\(data)/\(name)")
            let ended = try await train(scratch, data: data)
            #expect(ended.code == 2)
            #expect(ended.errors.contains("\(data)/\(name).gz: no such file"), "\(ended.errors)")
            #expect(ended.errors.contains("apt-get install dataset-fashion-mnist"))
        }

        @Test func `a folder of data that is not there is named`() async throws {
            let ended = try await train(ScratchDirectory(), data: "/no/such/folder")
            #expect(ended.code == 2)
            #expect(ended.errors.contains("/no/such/folder/train-images"), "\(ended.errors)")
        }

        @Test func `a truncated gzip file is named with the remedy`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let name = "t10k-labels-idx1-ubyte"
            let whole = try SmallFiles.bytes(of: "\(SmallData.fashionMNIST)/\(name).gz")
            let path = try scratch.write("data/\(name).gz", Array(whole.prefix(whole.count / 2)))
            let ended = try await train(scratch, data: data)
            #expect(ended.code == 2)
            #expect(ended.errors.contains("\(path): the file is truncated"), "\(ended.errors)")
            #expect(ended.errors.contains("apt-get install"))
        }

        @Test func `a truncated plain file, and labels that do not fit, are named`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let images = "\(data)/train-images-idx3-ubyte"
            let whole = try SmallFiles.bytes(of: images)
            _ = try scratch.write("data/train-images-idx3-ubyte", Array(whole.dropLast(100)))
            let short = try await train(scratch, data: data)
            #expect(short.code == 2)
            #expect(short.errors.contains("\(images): the file is truncated"), "\(short.errors)")
            let fewer = whole[..<4] + [0, 0, 4, 0] + whole[8..<(16 + 1024 * 784)]
            _ = try scratch.write("data/train-images-idx3-ubyte", Array(fewer))
            let unequal = try await train(scratch, data: data)
            #expect(unequal.code == 2)
            #expect(unequal.errors.contains("train-labels-idx1-ubyte"), "\(unequal.errors)")
        }

        @Test func `offline commands name missing data, too`() async throws {
            let state = try await HalfRun.state()
            for words in [["evaluate", state], ["embed", state, "--out", "/tmp/no.npy"]] {
                let program = try RunningProgram(words + ["--data", "/no/such/folder"])
                #expect(try await program.exitCode(within: 20) == 2)
                #expect(program.errors.contains("/no/such/folder/train-images"))
            }
        }
    }
}
