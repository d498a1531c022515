import Foundation
import Testing

extension SystemTests {
    /// `pleiad drill`: it passes where all is well, and does not where something is not.
    @Suite struct DrillTests {
        /// The run on the small data, and a folder for the drill's own directory.
        private struct Place {
            let scratch: ScratchDirectory
            let file: String

            init() throws {
                scratch = try ScratchDirectory()
                let data = try SmallData.write(to: scratch)
                file = try scratch.write("run.yaml", SmallRun.text(data: data))
                _ = try scratch.write("tmp/.keep", "")
            }

            /// Makes the drill's directory lie in the scratch directory.
            var environment: [String: String] { ["TMPDIR": scratch.appending("tmp")] }

            /// What drills have left behind.
            func directories() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: scratch.appending("tmp"))
                    .filter { $0.hasPrefix("pleiad-drill-") }
            }

            /// Command lines of processes that work for a drill here: they inherit its variables.
            func processes() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
                    guard Int32(entry) != nil,
                        let variables = try? SmallFiles.text(of: "/proc/\(entry)/environ"),
                        variables.contains("TMPDIR=\(scratch.path)")
                    else { return nil }
                    return try? SmallFiles.text(of: "/proc/\(entry)/cmdline")
                }
            }

            /// A program in place of `pleiad` that does `lines` of shell first.
            func program(_ lines: String) throws -> String {
                let path = try scratch.write(
                    "pleiad.sh",
                    "#!/bin/bash\n\(lines)\nexec '\(RunningProgram.binary.path)' \"$@\"\n")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: path)
                return path
            }
        }

        /// Names of the promises that did not hold.
        private func broken(_ report: [String: Any]) -> [String] {
            let promises = report["promises"] as? [[String: Any]] ?? []
            return promises.filter { $0["held"] as? Bool == false }.map { "\($0["name"] ?? "")" }
        }

        /// That `why` named what lasts long enough to be asked about: all but a cut, after which a
        /// worker is back in milliseconds, and the few steps that are made again.
        private func checkCauses(of fault: [String: Any]) throws {
            let kind = try #require(fault["kind"] as? String)
            let outcomes = (fault["why"] as? [[String: Any]] ?? []).reduce(into: [:]) {
                $0[$1["cause"] as? String ?? ""] = $1["outcome"] as? String
            }
            let cause = [
                "kill-worker": "lost worker", "cut-connections": "lost worker",
                "stop-worker": "silent worker", "stall-connections": "silent worker",
                "kill-coordinator": "dead coordinator",
            ][kind]
            let outcome = try #require(outcomes[cause ?? ""], "\(fault)")
            #expect(outcome == "named" || kind == "cut-connections", "\(fault)")
            #expect(!outcomes.values.contains("not named"), "\(fault)")
        }

        @Test(.timeLimit(.minutes(2)))
        func `a drill with faults of every kind passes and leaves nothing behind`() async throws {
            let place = try Place()
            let ended = try await pleiad(
                "drill", place.file, "--kills", "5", "--seed", "3", "--json",
                environment: place.environment, within: 60)
            #expect(ended.code == 0, "\(ended.output)\(ended.errors)")
            let report = try ended.object()
            #expect(report["passed"] as? Bool == true && report["steps_lost"] as? Int == 0)
            #expect(report["steps"] as? Int == SmallRun.steps)
            let faults = report["faults"] as? [[String: Any]] ?? []
            #expect(Set(faults.map { $0["kind"] as? String ?? "" }).count == 5)
            for fault in faults {
                #expect(fault["recovered_seconds"] is Double, "\(fault)")
                #expect(fault["others_undisturbed"] as? Bool == true, "\(fault)")
                try checkCauses(of: fault)
            }
            let digest = report["digest"] as? String ?? "none"
            #expect(try await SmallRun.digest.value.contains("all \(digest)"))
            #expect(try place.directories().isEmpty && place.processes().isEmpty)
        }

        @Test(.timeLimit(.minutes(2)))
        func `a drill of a program that computes other bits does not pass`() async throws {
            let place = try Place()
            let other = try place.scratch.write(
                "other.yaml", SmallRun.text(data: place.scratch.appending("data"), seed: 6))
            let program = try place.program(
                """
                if [ "$1" = coordinator ] && [[ "$*" == *fault-free* ]]; then
                    set -- "$1" '\(other)' "${@:3}"
                fi
                """)
            let ended = try await pleiad(
                "drill", place.file, "--kills", "1", "--kinds", "kill-worker", "--steps", "20",
                "--json", "--program", program, environment: place.environment, within: 60)
            #expect(ended.code == 1, "\(ended.errors)")
            let report = try ended.object()
            #expect(report["passed"] as? Bool == false)
            #expect(
                broken(report) == [
                    "every step has the bits of the run without faults",
                    "the final digest equals that of the run without faults",
                ])
            #expect(try place.directories().count == 1, "kept as evidence")
        }

        @Test(.timeLimit(.minutes(2)))
        func `a drill in which a restart meets a doctored ledger does not pass`() async throws {
            let place = try Place()
            // The second coordinator finds a digit changed in the first line.
            let program = try place.program(
                """
                if [ "$1" = coordinator ] && [ -s "$4/ledger" ]; then
                    sed -i '1s/"next":"./"next":"x/' "$4/ledger"
                fi
                """)
            let ended = try await pleiad(
                "drill", place.file, "--kills", "1", "--kinds", "kill-coordinator", "--json",
                "--program", program, environment: place.environment, within: 60)
            #expect(ended.code == 1, "\(ended.errors)")
            let report = try ended.object()
            #expect(broken(report).contains("both runs came to their end"))
            #expect(broken(report).contains("no committed step was lost"))
            #expect(ended.output.contains("line 1"), "\(ended.output)")
            #expect(try place.processes().isEmpty)
        }

        @Test(.timeLimit(.minutes(1)), arguments: [SIGINT, SIGTERM])
        func `a drill that is interrupted ends its processes and removes its directory`(
            signal: Int32
        ) async throws {
            let place = try Place()
            let program = try RunningProgram(
                ["drill", place.file, "--kills", "3"], environment: place.environment)
            let deadline = ContinuousClock.now + .seconds(20)
            while try place.processes().count < 5, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try place.directories().count == 1)
            program.signal(signal)
            #expect(try await program.exitCode(within: 15) == 1)
            #expect(program.errors.contains("interrupted"), "\(program.errors)")
            #expect(try place.directories().isEmpty && place.processes().isEmpty)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a drill that cannot be held says why`() async throws {
            let place = try Place()
            let many = try await pleiad("drill", place.file, "--kills", "19", "--steps", "20")
            #expect(many.code == 2 && many.errors.contains("19 faults do not fit into 20 steps"))
            let kind = try await pleiad("drill", place.file, "--kinds", "kill-cat")
            #expect(kind.code == 64 && kind.errors.contains("kill-coordinator"))
            let every = try await pleiad("drill", place.file, "--every", "30..15")
            #expect(every.code == 64 && every.errors.contains("LOW..HIGH"))
        }
    }
}
