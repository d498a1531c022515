import Foundation
import Methods
import Testing

/// Where reference values lie: `PLEIAD_GOLDEN`, or the fixtures beside these tests.
private func goldenRoot() -> URL? {
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

    @Test func `Golden: every registered method has reference values`() {
        #expect(MethodRegistry.names.sorted() == goldenSystems.map(\.name).sorted())
    }
}
