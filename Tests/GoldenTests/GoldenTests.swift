import Foundation
import Methods
import Testing

/// Where reference values lie: `PLEIAD_GOLDEN`, or the fixtures beside these tests.
func goldenRoot() -> URL? {
    if let path = ProcessInfo.processInfo.environment["PLEIAD_GOLDEN"], !path.isEmpty {
        return URL(fileURLWithPath: path)
    }
    return Bundle.module.resourceURL?.appendingPathComponent("Fixtures/golden")
}

@Suite struct GoldenTests {
    @Test func `Golden: every case agrees with the reference values`() async throws {
        let root = try #require(goldenRoot())
        let report = await GoldenRunner(systems: goldenSystems).run(root)
        for line in report.lines { print(line) }
        for failure in report.failures { Issue.record("\(failure)") }
        #expect(report.failures.isEmpty)
    }

    /// Methods that measure what others have learnt: their formulas are checked with those others'.
    private static let downstream = ["fine-tuning", "lit"]

    @Test func `Golden: every registered method has reference values`() {
        let systems = MethodRegistry.names.filter { !Self.downstream.contains($0) }
        #expect(systems.sorted() == goldenSystems.map(\.name).sorted())
        #expect(systems.count + Self.downstream.count == MethodRegistry.names.count)
    }
}
