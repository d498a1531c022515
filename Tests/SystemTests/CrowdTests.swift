import Foundation
import Testing

extension SystemTests {
    /// What strangers cost: memory and time are bounded however many there are.
    @Suite struct CrowdTests {
        /// Nothing, half a handshake of TLS, half a header of ours, another protocol.
        private static let words: [[UInt8]] = [
            [], [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + [UInt8](1...32),
            Array(RawPeer.frame(payload: [0, 0, 0, 0, 0, 0, 0, 0]).prefix(40)),
            Array("GET / HTTP/1.1\r\n\r\n".utf8),
        ]

        /// What 500 strangers may add to the coordinator's memory: 64 are held at a time, each with
        /// some 100 KB under TLS; the rest is what allocators keep.
        private static let growthKibibytesMax = 48 << 10

        /// More steps than any machine makes in this time: the run is stopped.
        private static let steps = 1_000_000

        @Test(.timeLimit(.minutes(4)), arguments: ["tcp", "tls+tcp"])
        func `500 strangers at once cost little, and the run gives the same bits`(
            scheme: String
        ) async throws {
            let run = try await SecureRun(
                in: ScratchDirectory(), scheme: scheme, options: [], steps: Self.steps)
            let viewer = try await run.keys.issue("alice", as: "viewer")
            let worker = try await run.keys.issue("w1", as: "worker")
            for name in ["w1", "w1.b"] { _ = try run.startWorker(name, keys: worker) }
            try await run.wait(forStep: 10, viewer)
            let residentBefore = try resident(run.coordinator.identifier)

            let crowd = Crowd(
                port: try #require(UInt16(run.url.split(separator: ":").last ?? "")),
                words: Self.words)
            let thread = Task.detached { crowd.run(500) }
            // Strangers take all places of strangers, so a client may find none: the ledger tells.
            let there = try await counts(of: crowd) { $0.opened >= 500 && $0.openMax > 250 }
            let begin = try run.ledgerCount()
            let later = try await counts(of: crowd) {
                $0.gone >= there.opened && $0.closedByPeer >= 1000
            }
            let end = try run.ledgerCount()
            let residentAfter = try resident(run.coordinator.identifier)
            crowd.end()
            await thread.value

            #expect(end - begin >= 10, "steps while every stranger was turned away")
            #expect(residentAfter - residentBefore < Self.growthKibibytesMax)
            let after = try await run.status(viewer)
            #expect(after.state(of: "w1") == "ready" && after.state(of: "w1.b") == "ready")
            print(
                "\(scheme): \(later.opened) connections, at most \(later.openMax) at once; "
                    + "\(end - begin) steps meanwhile; \(residentBefore) KiB, then \(residentAfter)"
            )
            run.coordinator.signal(SIGTERM)
            let digest = try await run.digestWhenDone()
            #expect(try await self.digest(afterSteps: run.ledgerCount()) == digest)
        }

        /// What has become of a crowd once that is as wanted.
        private func counts(
            of crowd: Crowd, until isWanted: (Crowd.Counts) -> Bool
        ) async throws -> Crowd.Counts {
            for _ in 0..<1200 {
                let counts = crowd.counts
                if isWanted(counts) { return counts }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw ProgramFailure(description: "strangers after a minute: \(crowd.counts)")
        }

        /// The digest of the same run, made by one worker without strangers.
        private func digest(afterSteps steps: Int) async throws -> String {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let run = try await TrainingRun(
                in: scratch, text: SmallRun.text(data: data, steps: Self.steps),
                options: ["--exit-when-done", "--steps", "\(steps)"])
            _ = try run.startWorker("w1")
            return try await run.digestWhenDone()
        }

        /// Resident memory of a process in KiB.
        private func resident(_ process: Int32) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS") })
            return try #require(
                line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        }
    }
}
