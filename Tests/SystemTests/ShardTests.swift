import Foundation
import Testing

extension SystemTests {
    /// Data shards: who holds what is nobody's bit.
    @Suite struct ShardTests {
        /// Eight slices over sixteen shards: a slice needs at most four.
        private func text(data: String, steps: Int = 80) -> String {
            SmallRun.text(data: data, steps: steps)
                .replacing("data: {path: \(data)}", with: "data: {path: \(data), shards: 16}")
                + "\nsampling: sharded\n"
        }

        private func run(in scratch: ScratchDirectory) async throws -> TrainingRun {
            let data = try SmallData.write(to: scratch)
            return try await TrainingRun(in: scratch, text: text(data: data))
        }

        @Test(.timeLimit(.minutes(3)))
        func `a missing shard is named and awaited, and the digest is the same whoever holds what`()
            async throws
        {
            let alone = try await run(in: ScratchDirectory())
            _ = try alone.startWorker("all")
            let digest = try await alone.digestWhenDone()

            let shared = try await run(in: ScratchDirectory())
            _ = try shared.startWorker("low", shards: "0-9")
            // It holds the run up once the slices that can be computed are in.
            let waiting = try await shared.status { status in
                let critical = status.document["critical"] as? [String: Any]
                return critical?["kind"] as? String == "shard"
            }
            let waits = waiting.document["waiting"] as? [[String: Any]] ?? []
            let missing = waits.first { $0["kind"] as? String == "shard" }
            #expect(
                (missing?["what"] as? String)?.contains("data shards 10-15") == true, "\(waits)")
            let why = try await pleiad("why", shared.url)
            #expect(why.output.contains("shards 10-15"), "\(why.output)")
            // Slices whose shards are held by two together are nobody's yet.
            _ = try shared.startWorker("high", shards: "6-15")
            _ = try shared.startWorker("odd", shards: "0-3,8-15")
            _ = try shared.startWorker("rest", shards: "0-15")
            #expect(try await shared.digestWhenDone() == digest)
            #expect(try await pleiad("verify", shared.state).code == 0)
            #expect(try await pleiad("ledger", "verify", shared.state).code == 0)
        }

        @Test func `shards that the run does not have are refused by number`() async throws {
            let run = try await run(in: ScratchDirectory())
            let worker = try run.startWorker("far", shards: "3,16")
            #expect(try await worker.exitCode(within: 30) == 2)
            #expect(worker.errors.contains("shard 16"), "\(worker.errors)")
            for wrong in ["", "3-", "5-2", "a", "1,,2", "99999"] {
                let refused = try run.startWorker("wrong", shards: wrong)
                #expect(try await refused.exitCode(within: 30) == 64, "\(wrong)")
            }
            run.coordinator.signal(SIGTERM)
            _ = try await run.coordinator.exitCode(within: 30)
        }
    }
}
