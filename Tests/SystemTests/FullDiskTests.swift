import Foundation
import Testing

extension SystemTests {
    /// Disks and files that hold no more.
    @Suite struct FullDiskTests {
        /// A disk in memory of so many KiB, unmounted at the end.
        private final class SmallDisk {
            let path: String

            init?(kibibytes: Int, at path: String) {
                self.path = path
                guard
                    Self.run("/bin/mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k", "none", path)
                else { return nil }
            }

            deinit { _ = Self.run("/bin/umount", "-l", path) }

            /// Gives it another size.
            func resize(kibibytes: Int) -> Bool {
                Self.run("/bin/mount", "-o", "remount,size=\(kibibytes)k", path)
            }

            private static func run(_ arguments: String...) -> Bool {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: arguments[0])
                process.arguments = Array(arguments.dropFirst())
                process.standardError = FileHandle.nullDevice
                guard (try? process.run()) != nil else { return false }  // no such program here
                process.waitUntilExit()
                return process.terminationStatus == 0
            }
        }

        @Test(.timeLimit(.minutes(2)), .enabled(if: getuid() == 0, "mounting takes root"))
        func `a full disk ends the run with a clear word, and with room it goes on`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", SmallRun.text(data: data))
            let place = scratch.appending("disk")
            try FileManager.default.createDirectory(
                atPath: place, withIntermediateDirectories: true)
            // Two checkpoints of 360 KB, the labels, and a ledger that has no room to grow in.
            guard let disk = SmallDisk(kibibytes: 1000, at: place) else { return }
            let state = place + "/state"
            let full = try await pleiad("train", file, "--workers", "2", "--state", state)
            #expect(full.code == 1, "\(full.errors)")
            #expect(full.errors.contains("the disk is full"), "\(full.errors)")
            #expect(full.errors.contains(state), "it says where")
            let verified = try await pleiad("verify", state)
            #expect(verified.code == 0, "\(verified.output)")
            #expect(disk.resize(kibibytes: 20_000))
            let ended = try await pleiad("train", file, "--workers", "2", "--state", state)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
            #expect(try await pleiad("verify", state).code == 0)
        }

        @Test(.timeLimit(.minutes(2)), arguments: [40, 150])
        func `a limit on file sizes ends the run with a clear word`(kibibytes: Int) async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", SmallRun.text(data: data))
            let state = scratch.appending("state")
            let program = try RunningProgram(
                [
                    "-c", "ulimit -f \(kibibytes); exec \"$0\" \"$@\"", RunningProgram.binary.path,
                    "train", file, "--in-process", "--state", state,
                ], executable: URL(fileURLWithPath: "/bin/bash"))
            #expect(try await program.exitCode(within: 60) == 1, "\(program.errors)")
            #expect(
                program.errors.contains("the limit on file sizes is reached"),
                "\(program.errors)")
            let ended = try await pleiad("train", file, "--in-process", "--state", state)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await pleiad("digest", state).output == SmallRun.digest.value)
            #expect(try await pleiad("verify", state).code == 0)
        }
    }
}
