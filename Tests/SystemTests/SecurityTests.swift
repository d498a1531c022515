import Foundation
import Testing

extension SystemTests {
    /// Keys, roles and strangers, with real processes over TLS.
    @Suite struct SecurityTests {
        @Test(.timeLimit(.minutes(3)))
        func `a run over TLS gives the same bits, and each role may do what it may`()
            async throws
        {
            let run = try await SecureRun(in: ScratchDirectory())
            let viewer = try await run.keys.issue("alice", as: "viewer")
            let one = try await run.keys.issue("w1", as: "worker")
            _ = try run.startWorker("w1", keys: one)
            _ = try run.startWorker("w1.second", keys: one)
            let status = try await run.wait(forStep: 5, viewer)
            #expect(["joining", "ready"].contains(status.state(of: "w1")))

            let stopped = try await pleiad("stop", run.url, "--keys", viewer, within: 30)
            #expect(stopped.code == 1)
            #expect(stopped.errors.contains("role does not allow"), "\(stopped.errors)")
            let worker = try await pleiad("status", run.url, "--keys", one, within: 30)
            #expect(worker.code == 2 && worker.errors.contains("viewer"), "\(worker.errors)")
            let nobody = try await pleiad("status", run.url, within: 30)
            #expect(nobody.code == 2 && nobody.errors.contains("--keys"), "\(nobody.errors)")
            let plain = run.url.replacing("tls+tcp", with: "tcp")
            #expect(try await pleiad("status", plain, within: 30).code == 1)
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        @Test(.timeLimit(.minutes(2)))
        func `keys of another authority, name or role are refused by name`() async throws {
            let scratch = try ScratchDirectory()
            let run = try await SecureRun(in: scratch)
            let other = try await KeyRing(in: scratch, named: "other")
            let stranger = try run.startWorker(
                "w9", keys: try await other.issue("w9", as: "worker"))
            #expect(try await stranger.exitCode(within: 30) == 2)
            #expect(stranger.errors.contains("do not trust each other"), "\(stranger.errors)")
            let viewer = try await run.keys.issue("alice", as: "viewer")
            let looker = try run.startWorker("alice", keys: viewer)
            #expect(try await looker.exitCode(within: 30) == 2)
            #expect(looker.errors.contains("no worker's"), "\(looker.errors)")
            let misnamed = try run.startWorker(
                "w2", keys: try await run.keys.issue("w1", as: "worker"))
            #expect(try await misnamed.exitCode(within: 30) == 2)
            #expect(misnamed.errors.contains("w1.SOMETHING"), "\(misnamed.errors)")
            let expired = try run.startWorker(
                "old",
                keys: try await run.keys.issue(
                    "old", as: "worker", "--from", "2020-01-01", "--days", "10"))
            #expect(try await expired.exitCode(within: 30) == 2)
            #expect(expired.errors.contains("2020-01-11"), "\(expired.errors)")
            #expect(run.coordinator.isRunning)
        }

        @Test(.timeLimit(.minutes(2)))
        func `a worker's certificate that poses as the coordinator's is refused`() async throws {
            let scratch = try ScratchDirectory()
            let ring = try await KeyRing(in: scratch)
            // A worker's certificate, and even the token key: all that an insider could have.
            let poser = try await ring.issue("mallory", as: "worker")
            let copy = try scratch.copy(poser, as: "poser")
            try FileManager.default.copyItem(
                atPath: ring.path + "/token.key", toPath: copy + "/token.key")
            let run = try await SecureRun(in: scratch, hub: copy, keys: ring)
            let worker = try run.startWorker(
                "w1", keys: try await ring.issue("w1", as: "worker"))
            #expect(try await worker.exitCode(within: 30) == 2)
            #expect(worker.errors.contains("do not trust each other"), "\(worker.errors)")
            let viewer = try await ring.issue("alice", as: "viewer")
            let status = try await pleiad("status", run.url, "--keys", viewer, within: 30)
            #expect(status.code == 1)
            #expect(status.errors.contains("do not trust each other"), "\(status.errors)")
        }

        @Test(.timeLimit(.minutes(2)))
        func `tokens are asked for without TLS too, and an operator stops the run`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let run = try await SecureRun(in: scratch, scheme: "tcp", options: [])
            let nobody = try run.startWorker("w1", keys: nil)
            #expect(try await nobody.exitCode(within: 30) == 2)
            #expect(nobody.errors.contains("without a token"), "\(nobody.errors)")
            let other = try await KeyRing(in: scratch, named: "other")
            let stranger = try run.startWorker(
                "w9", keys: try await other.issue("w9", as: "worker"))
            #expect(try await stranger.exitCode(within: 30) == 2)
            #expect(stranger.errors.contains("not this coordinator's"), "\(stranger.errors)")
            let bob = try await run.keys.issue("bob", as: "operator")
            let worker = try run.startWorker(
                "w1", keys: try await run.keys.issue("w1", as: "worker"))
            try await run.wait(forStep: 2, bob)
            let stop = try await pleiad(
                "stop", run.url, "--keys", bob, "--reason", "enough seen", within: 30)
            #expect(stop.code == 0, "\(stop.errors)")
            #expect(try await run.coordinator.exitCode(within: 30) == 0)
            #expect(run.coordinator.errors.contains("enough seen"))
            #expect(try await worker.exitCode(within: 30) == 0)
        }

        @Test func `a coordinator that cannot prove itself is left alone`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let ring = try await KeyRing(in: try ScratchDirectory())
            let keys = try await ring.issue("w1", as: "worker")
            let worker = try RunningProgram(
                ["worker", "--join", run.url, "--name", "w1", "--keys", keys])
            #expect(try await worker.exitCode(within: 30) == 2)
            #expect(worker.errors.contains("does not prove itself"), "\(worker.errors)")
        }

        @Test func `keys are made once, and help says how`() async throws {
            let scratch = try ScratchDirectory()
            let ring = try await KeyRing(in: scratch)
            let again = try await pleiad("keys", "init", ring.path)
            #expect(again.code == 2 && again.errors.contains("not overwritten"))
            let facts = try await pleiad(
                "keys", "issue", ring.path, "b2", "--role", "worker", "--json"
            ).object()
            #expect(facts["role"] as? String == "worker")
            #expect((facts["token"] as? String)?.count == 32)
            let token = try await pleiad(
                "keys", "token", ring.path, "eve", "--role", "viewer", "--json"
            ).object()
            #expect((token["token"] as? String)?.hasPrefix("pleiad-token-1 viewer eve ") == true)
            #expect(try await pleiad("keys", "issue", ring.path, "x", "--role", "king").code == 64)
            #expect(
                try await pleiad("keys", "issue", ring.path, "a.b", "--role", "worker").code == 2)
            #expect(try await pleiad("keys", "--help").output.contains("pleiad keys issue"))
        }
    }
}
