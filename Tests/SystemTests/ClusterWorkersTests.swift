import Foundation
import Testing

extension SystemTests {
    /// `pleiad cluster` with workers: the promise of same bits, whoever comes, goes, and dies.
    @Suite struct ClusterWorkersTests {
        private static let scratch = Result { try ScratchDirectory() }

        /// Patches to cluster.
        private static func patches(_ name: String, count: Int, side: Int) async throws -> String {
            let path = try scratch.get().appending(name)
            let ended = try await pleiad(
                "patches", "--count", "\(count)", "--side", "\(side)", "--out", path)
            guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
            return path
        }

        private static let small = Task {
            try await ClusterWorkersTests.patches("small.npy", count: 20_000, side: 8)
        }

        /// The bytes of a result.
        private static func result(
            of features: String, _ options: [String], _ scratch: ScratchDirectory
        ) async throws -> [UInt8] {
            let out = scratch.appending(UUID().uuidString)
            let ended = try await pleiad(
                ["cluster", "--features", features, "--labels", "3", "--out", out] + options)
            guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
            return try SmallFiles.bytes(of: out)
        }

        @Test(
            .timeLimit(.minutes(5)),
            arguments: [
                ["--centers", "1000", "--iterations", "6"],
                ["--centers", "500", "--iterations", "4", "--plain", "--raw"],
                ["--centers", "1000", "--iterations", "4", "--search", "cells"],
                ["--centers", "300", "--iterations", "9", "--batch", "4096"],
            ])
        func `one, two and three workers give the bytes of one process`(
            options: [String]
        ) async throws {
            let scratch = try ScratchDirectory()
            let features = try await Self.small.value
            let alone = try await Self.result(of: features, options, scratch)
            for workers in [["1"], ["2", "--slots", "2"], ["3"]] {
                let found = try await Self.result(
                    of: features, options + ["--workers"] + workers, scratch)
                let isSame = found == alone
                #expect(isSame, "\(workers) workers")
            }
        }

        /// Some seconds of work at an address, for tests in which something happens.
        private struct Run {
            let program: RunningProgram
            let url: String
            let out: String

            static let options = ["--labels", "3", "--centers", "2500", "--iterations", "12"]

            static let features = Task {
                try await ClusterWorkersTests.patches("large.npy", count: 60_000, side: 14)
            }

            /// What one process makes of it.
            static let alone = Task {
                try await ClusterWorkersTests.result(
                    of: features.value, options, ClusterWorkersTests.scratch.get())
            }

            static func arguments(out: String) async throws -> [String] {
                ["cluster", "--features", try await features.value, "--out", out] + options
            }

            init(in scratch: ScratchDirectory) async throws {
                out = scratch.appending("leased.safetensors")
                program = try RunningProgram(
                    try await Self.arguments(out: out) + ["--listen", "tcp://127.0.0.1:0"])
                url = try await program.line(after: "coordinator at ", within: 30)
            }

            /// The result is what one process makes of it.
            func expectSameBytes() async throws {
                let isSame = try await SmallFiles.bytes(of: out) == Self.alone.value
                #expect(isSame)
            }

            func worker(_ name: String, _ extra: [String] = []) throws -> RunningProgram {
                try RunningProgram(["worker", "--join", url, "--name", name] + extra)
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a worker killed with slices in its hands changes no bit`() async throws {
            let scratch = try ScratchDirectory()
            let run = try await Run(in: scratch)
            let victim = try run.worker("w1")
            let others = try ["w2", "w3"].map { try run.worker($0) }
            _ = try await run.program.line(after: "iteration 1/12", within: 60)
            var held: [Int] = []
            for _ in 0..<200 where held.isEmpty {
                victim.signal(SIGSTOP)
                let (first, second) = (
                    try await StatusView(of: run.url), try await StatusView(of: run.url)
                )
                held = second.slices(heldBy: "w1")
                if first.step != second.step || first.slices(heldBy: "w1") != held { held = [] }
                if held.isEmpty { victim.signal(SIGCONT) }
            }
            #expect(!held.isEmpty, "w1 never held a slice: \(run.program.errors)")
            victim.signal(SIGKILL)
            #expect(try await victim.exitCode(within: 10) == 128 + SIGKILL)
            let late = try run.worker("w4")
            #expect(try await run.program.exitCode(within: 120) == 0, "\(run.program.errors)")
            try await run.expectSameBytes()
            for worker in others + [late] { #expect(try await worker.exitCode(within: 20) == 0) }
        }

        @Test(.timeLimit(.minutes(3)))
        func `other features are refused by name, and the same ones elsewhere are taken`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let run = try await Run(in: scratch)
            let wrong = scratch.appending("wrong.npy")
            let made = try await pleiad(
                "patches", "--count", "60000", "--side", "14", "--seed", "5", "--out", wrong)
            #expect(made.code == 0, "\(made.errors)")
            let refused = try run.worker("w1", ["--features", wrong])
            #expect(try await refused.exitCode(within: 30) == 2)
            #expect(refused.errors.contains(wrong), "\(refused.errors)")
            #expect(refused.errors.contains("--features"), "\(refused.errors)")
            let lost = try run.worker("w2", ["--features", scratch.appending("nothing.npy")])
            #expect(try await lost.exitCode(within: 30) == 2)
            #expect(lost.errors.contains("nothing.npy: no such file"), "\(lost.errors)")
            let status = try await StatusView(of: run.url)
            #expect(status.step == 0 && status.state == "running", "\(status.text)")

            let copy = scratch.appending("copy.npy")
            try FileManager.default.copyItem(atPath: try await Run.features.value, toPath: copy)
            let good = try run.worker("w3", ["--features", copy, "--slots", "2"])
            #expect(try await run.program.exitCode(within: 120) == 0, "\(run.program.errors)")
            try await run.expectSameBytes()
            #expect(try await good.exitCode(within: 20) == 0, "\(good.errors)")
        }

        @Test(.timeLimit(.minutes(3)))
        func `a stopped clustering goes on with workers, or without, to the same bytes`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let run = try await Run(in: scratch)
            let worker = try run.worker("w1")
            _ = try await run.program.line(after: "iteration 3/12", within: 60)
            let stop = try await pleiad("stop", run.url)
            #expect(stop.code == 0, "\(stop.errors)")
            #expect(try await run.program.exitCode(within: 60) == 1)
            #expect(try await worker.exitCode(within: 20) == 0, "\(worker.errors)")
            #expect(run.program.errors.contains("goes on from \(run.out).partial"))

            let more = try RunningProgram(
                try await Run.arguments(out: run.out) + ["--workers", "2"])
            _ = try await more.line(containing: "going on after iteration", within: 60)
            _ = try await more.line(after: "iteration 8/12", within: 60)
            more.signal(SIGINT)
            #expect(try await more.exitCode(within: 60) == 1, "\(more.errors)")
            let rest = try await pleiad(try await Run.arguments(out: run.out))
            #expect(rest.code == 0, "\(rest.errors)")
            try await run.expectSameBytes()
        }

        @Test func `workers need features in files`() async throws {
            let scratch = try ScratchDirectory()
            let ended = try await pleiad(
                "cluster", "--centers", "10", "--workers", "1", "--out", scratch.appending("out"))
            #expect(ended.code == 2)
            #expect(ended.errors.contains("--features"), "\(ended.errors)")
        }
    }
}
