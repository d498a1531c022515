import Buffers
import Testing
import Transport
import Wire

/// A floor for the speed of large messages; the figures are printed.
@Suite(.serialized) struct ThroughputTests {
    /// Well below what is seen (1 GB/s and more on two shared cores, release), above what a copy
    /// for every byte or a wait for every chunk would leave.
    private static let bytesPerSecondMin = 100e6

    @Test(.timeLimit(.minutes(1)), arguments: [Kind.tcp, .ipc], [1, 16, 128])
    func `large messages move at the speed of memory`(kind: Kind, mebibytes: Int) async throws {
        let pair = try await Pair(kind)
        defer { pair.close() }
        let sent = message(mebibytes << 20)
        let count = max(4, 1024 / mebibytes)
        let clock = ContinuousClock()
        async let sending: Void = {
            for _ in 0..<count { try await pair.dialled.send(sent) }
        }()
        var received = try await pair.accepted.receive()
        let begin = clock.now
        for _ in 1..<count { received = try await pair.accepted.receive() }
        let elapsed = clock.now - begin
        try await sending
        #expect(received.body.tensors[0].byteCount == mebibytes << 20)
        let rate = Double((count - 1) * mebibytes << 20) / (elapsed / .seconds(1))
        print("\(kind) \(mebibytes) MiB: \(rate / 1e9) GB/s")
        #expect(rate > Self.bytesPerSecondMin)
    }

    @Test(.timeLimit(.minutes(1))) func `a small request is answered soon`() async throws {
        let pair = try await Pair(.tcp)
        defer { pair.close() }
        let count = 2000
        async let echo: Void = {
            for _ in 0..<count { try await pair.accepted.send(try await pair.accepted.receive()) }
        }()
        let clock = ContinuousClock()
        let small = message(8)
        let elapsed = try await clock.measure {
            for _ in 0..<count {
                try await pair.dialled.send(small)
                _ = try await pair.dialled.receive()
            }
        }
        try await echo
        print("round trip: \(elapsed / count)")
        #expect(elapsed / count < .milliseconds(20))
    }
}
