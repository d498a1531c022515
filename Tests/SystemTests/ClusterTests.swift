import Foundation
import Testing

extension SystemTests {
    /// `pleiad cluster` as a process: interrupted, gone on with, and read by programs.
    @Suite struct ClusterTests {
        /// Some seconds of work on the images that are installed.
        private static let arguments = [
            "cluster", "--centers", "2000", "--iterations", "8", "--labels", "4", "--json",
        ]

        @Test func `an interrupted clustering goes on to the same bytes`() async throws {
            let scratch = try ScratchDirectory()
            let whole = scratch.appending("whole.safetensors")
            let ended = try await pleiad(Self.arguments + ["--out", whole])
            #expect(ended.code == 0, "\(ended.errors)")

            let parted = scratch.appending("parted.safetensors")
            let program = try RunningProgram(Self.arguments + ["--out", parted])
            _ = try await program.line(after: "iteration 2/8", within: 60)
            program.signal(SIGINT)
            #expect(try await program.exitCode(within: 60) == 1)
            #expect(program.errors.contains("the same command goes on from \(parted).partial"))
            #expect(!FileManager.default.fileExists(atPath: parted))

            // With other settings the state is somebody else's.
            let other = try await pleiad(
                Self.arguments + ["--seed", "1", "--out", parted])
            #expect(other.code != 0)
            #expect(other.errors.contains("\(parted).partial"), "\(other.errors)")

            let rest = try await pleiad(Self.arguments + ["--threads", "1", "--out", parted])
            #expect(rest.code == 0, "\(rest.errors)")
            #expect(rest.errors.contains("going on after iteration"))
            #expect(!rest.errors.contains("iteration 1/8"))
            #expect(try SmallFiles.bytes(of: parted) == SmallFiles.bytes(of: whole))
            #expect(!FileManager.default.fileExists(atPath: parted + ".partial"))
            let reports = try [ended, rest].map { try $0.object()["objectives"] as? [Double] }
            #expect(reports[0]?.count == 8 && reports[0] == reports[1])
        }

        @Test func `the report says what the clusters are`() async throws {
            let scratch = try ScratchDirectory()
            let ended = try await pleiad(
                Self.arguments + ["--search", "cells", "--out", scratch.appending("out")])
            #expect(ended.code == 0, "\(ended.errors)")
            let report = try ended.object()
            #expect(report["centers"] as? Int == 2000 && report["dim"] as? Int == 784)
            #expect(report["samples"] as? Int == 60_000)
            #expect(report["empty"] as? Int == 0)
            #expect((report["imbalance"] as? Double ?? 0) >= 1)
            let sizes = report["occupancy"] as? [[String: Int]] ?? []
            #expect(sizes.reduce(0) { $0 + ($1["clusters"] ?? 0) } == 2000, "\(sizes)")
            // Each objective is at least as good as the one before.
            let objectives = report["objectives"] as? [Double] ?? []
            #expect(objectives.count > 1)
            #expect(zip(objectives, objectives.dropFirst()).allSatisfy { $0 <= $1 + 1e-4 })
            #expect((report["agreement"] as? Double ?? 0) > 0.9)
            #expect((report["recall"] as? Double ?? 0) > 0.9)
            #expect((report["scores_of_exact"] as? Double ?? 1) < 1)
        }
    }
}
