import CoordinatorCore
import Testing

/// The same events at the same moments give the same effects: in one process and in another.
@Suite struct ReplayTests {
    /// The hash of all effects of a walk.
    static func trace(_ seed: UInt64) -> UInt64 {
        var walk = Walk(
            seed: seed, faults: WalkFaults(errorsMax: 5, lies: true, stops: seed % 3 == 0))
        walk.run()
        return walk.trace
    }

    static var traces: String {
        (0..<12).map { String(trace(7_000 + $0), radix: 16) }.joined(separator: " ")
    }

    @Test func `a seed replays exactly in the same process`() {
        #expect(Self.traces == Self.traces)
    }

    @Test func `different seeds give different walks`() {
        #expect(Self.trace(1) != Self.trace(2))
    }

    @Test func `a seed replays exactly in another process`() async throws {
        let result = try await #require(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            print("traces \(ReplayTests.traces) end")
        }
        let output = String(decoding: result.standardOutputContent, as: UTF8.self)
        #expect(output.contains("traces \(Self.traces) end"))
    }
}
