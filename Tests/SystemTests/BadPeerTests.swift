import Foundation
import Testing

extension SystemTests {
    /// Peers that must not take part: refused by name or cut off, and nobody else notices.
    @Suite struct BadPeerTests {
        @Test func `a worker with other data is refused by name, and the run goes on`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let run = try await TrainingRun(in: scratch)
            _ = try run.startWorker("w1")
            try await run.wait(forStep: 5)
            let other = try SmallData.write(to: scratch, folder: "other")
            try SmallFiles.flipBit(of: other + "/train-images-idx3-ubyte", at: 5000)
            let stranger = try run.startWorker("stranger", data: other)
            #expect(try await stranger.exitCode(within: 20) == 2)
            #expect(stranger.errors.contains("data differ"), "\(stranger.errors)")
            let missing = try run.startWorker("lost", data: "/no/such/folder")
            #expect(try await missing.exitCode(within: 20) == 2)
            #expect(
                missing.errors.contains("/no/such/folder/train-images"), "\(missing.errors)")
            #expect(try await run.status().state(of: "w1") == "ready")
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        /// It is not the end: the name is free again once its holder is lost, so the other one goes
        /// on asking for the time of a first join.
        @Test func `the name of a live worker is refused to another`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let worker = try run.startWorker("w1")
            let before = try await run.wait(forStep: 5)
            let namesake = try run.startWorker("w1")
            let refusal = try await namesake.line(containing: "live worker", within: 20)
            #expect(refusal.contains("w1 is process \(worker.identifier) on"), "\(refusal)")
            let status = try await run.status()
            #expect(status.state(of: "w1") == "ready")
            #expect(status.incarnation(of: "w1") == before.incarnation(of: "w1"))
            namesake.signal(SIGTERM)
            #expect(try await namesake.exitCode(within: 10) == 0)
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
            #expect(try await worker.exitCode(within: 20) == 0)
        }

        @Test(.timeLimit(.minutes(2)))
        func `bytes that are no protocol close their own connection and nothing else`()
            async throws
        {
            let run = try await TrainingRun(in: ScratchDirectory())
            for name in ["w1", "w2"] { _ = try run.startWorker(name) }
            let before = try await run.status {
                $0.step >= 5 && $0.state(of: "w1") == "ready" && $0.state(of: "w2") == "ready"
            }
            let url = run.url
            let ends = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
                for (name, bytes) in Self.badStreams {
                    group.addTask { (name, try await RawPeer.send(bytes, to: url).isClosed) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (name, isClosed) in ends { #expect(isClosed, "\(name)") }
            #expect(ends.count == Self.badStreams.count)
            let status = try await run.status()
            #expect(status.step < SmallRun.steps, "it was in mid-run")
            for name in ["w1", "w2"] {
                #expect(status.state(of: name) == "ready")
                #expect(status.incarnation(of: name) == before.incarnation(of: name))
            }
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        /// What a stranger may send instead of a greeting.
        private static let badStreams: [(String, [UInt8])] = {
            let greet: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            var bits: UInt32 = 7
            let noise = (0..<100_000).map { _ -> UInt8 in
                bits = bits &* 1_664_525 &+ 1_013_904_223
                return UInt8(truncatingIfNeeded: bits >> 24)
            }
            return [
                ("garbage", noise),
                ("another protocol", Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)),
                ("nothing", []),
                ("half a header", Array(RawPeer.frame(payload: greet).prefix(40))),
                ("half a payload", Array(RawPeer.frame(payload: greet).dropLast(4))),
                ("another version", RawPeer.frame(major: 2, payload: greet)),
                ("damaged payload", RawPeer.frame(payload: greet, isDamaged: true)),
                (
                    "a payload over a mebibyte",
                    RawPeer.frame(payloadLength: 1 << 31, payload: greet)
                ),
                (
                    "a message of a pebibyte",
                    RawPeer.frame(
                        chunkCount: 1 << 30, payloadLength: 1 << 20,
                        payload: [UInt8](repeating: 0, count: 1 << 20))
                ),
                (
                    "a second chunk first",
                    RawPeer.frame(chunkIndex: 1, chunkCount: 2, payload: greet)
                ),
                ("an unknown kind", RawPeer.frame(kind: 0x7777, payload: greet)),
                (
                    "a lease before hello",
                    RawPeer.frame(kind: 5, payload: [0, 0, 0, 0, 0, 0, 0, 0])
                ),
                (
                    "a body that claims too much",
                    RawPeer.frame(payload: [255, 255, 255, 255, 255, 255, 255, 255])
                ),
            ]
        }()
    }
}
