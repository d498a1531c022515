import Foundation
import Storage
import Tensors
import Testing

/// The runner itself, on planted faults.
@Suite struct GoldenRunnerTests {
    /// A system whose one kind doubles its input.
    private static let doubling = GoldenSystem(
        name: "double",
        kinds: [
            GoldenKind("twice") { golden in
                golden.compare("out.y", try golden.floats("in.x").map { 2 * $0 })
            },
            GoldenKind("twice_whole") { golden in
                golden.compare("out.n", integers: try golden.integers("in.n").map { 2 * $0 })
            },
        ])

    private func run(_ body: (URL) throws -> Void) async throws -> GoldenReport {
        let root = FileManager.default.temporaryDirectory
            .appendingPathComponent("golden-\(ProcessInfo.processInfo.globallyUniqueString)")
        let folder = root.appendingPathComponent("double")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            // What stays behind in the folder of temporary files harms nobody.
            try? FileManager.default.removeItem(at: root)
        }
        try body(root)
        return await GoldenRunner(systems: [Self.doubling]).run(root)
    }

    private func write(
        _ root: URL, _ name: String, x: [Float] = [1, 2, 3], y: [Float], extra: Bool = false
    ) throws {
        var entries = [
            SafetensorsEntry("in.x", .f32(Tensor(x, shape: [x.count]))),
            SafetensorsEntry("out.y", .f32(Tensor(y, shape: [y.count]))),
        ]
        if extra { entries.append(SafetensorsEntry("out.z", .f32(Tensor(1)))) }
        try SafetensorsFile.write(
            entries, to: root.appendingPathComponent("double/\(name).safetensors").path)
    }

    @Test func `Golden runner: right values pass and are counted`() async throws {
        let report = try await run { root in
            try write(root, "twice", y: [2, 4, 6])
            try write(root, "twice_again", y: [2, 4, 6.0001])
        }
        #expect(report.failures.isEmpty)
        #expect(report.caseCounts == ["double": 2])
        #expect(report.lines.last == "golden double: 2 cases, worst 1.7e-05")
    }

    @Test func `Golden runner: a perturbed expected value fails`() async throws {
        let report = try await run { try write($0, "twice", y: [2, 4, 6.001]) }
        #expect(report.failures.count == 1)
        #expect(report.failures.first?.hasPrefix("double/twice: out.y: relative error") == true)
    }

    @Test func `Golden runner: a file that no kind claims fails`() async throws {
        let report = try await run { root in
            try write(root, "twice", y: [2, 4, 6])
            try write(root, "twicer", y: [2, 4, 6])
            try Data().write(to: root.appendingPathComponent("double/notes.txt"))
        }
        #expect(
            report.failures == [
                "double/notes.txt: nothing claims this file",
                "double/twicer: nothing claims this file",
            ])
    }

    @Test func `Golden runner: an expected result that is not compared fails`() async throws {
        let report = try await run { try write($0, "twice", y: [2, 4, 6], extra: true) }
        #expect(report.failures == ["double/twice: out.z was not compared"])
    }

    @Test func `Golden runner: the longest kind claims a file`() async throws {
        let report = try await run { root in
            try SafetensorsFile.write(
                [SafetensorsEntry("in.n", .i64([4])), SafetensorsEntry("out.n", .i64([9]))],
                to: root.appendingPathComponent("double/twice_whole_b.safetensors").path)
        }
        #expect(
            report.failures == [
                "double/twice_whole_b: out.n: 1 integers differ, the first at 0: 8, expected 9"
            ])
    }

    @Test func `Golden runner: empty and missing folders of a registered system fail`() async throws
    {
        let empty = try await run { _ in }
        #expect(empty.failures.count == 1 && empty.failures[0].hasPrefix("double: no cases in"))
        let missing = try await run { root in
            try FileManager.default.removeItem(at: root.appendingPathComponent("double"))
            try FileManager.default.createDirectory(
                at: root.appendingPathComponent("other"), withIntermediateDirectories: true)
        }
        #expect(missing.failures.count == 1 && missing.failures[0].hasPrefix("double: no cases"))
        #expect(missing.lines == ["not yet other"])
    }

    @Test func `Golden runner: systems that are not registered are named`() async throws {
        let report = try await run { root in
            try write(root, "twice", y: [2, 4, 6])
            try FileManager.default.createDirectory(
                at: root.appendingPathComponent("another"), withIntermediateDirectories: true)
        }
        #expect(report.failures.isEmpty)
        #expect(
            report.lines == [
                "not yet another", "golden double/twice: 0.0e+00",
                "golden double: 1 cases, worst 0.0e+00",
            ])
    }

    @Test func `Golden runner: where the reference is zero only zero will do`() async throws {
        let good = try await run { try write($0, "twice", x: [0, 0], y: [0, 0]) }
        #expect(good.failures.isEmpty)
        let bad = try await run { try write($0, "twice", x: [0, 1e-9], y: [0, 0]) }
        #expect(bad.failures.count == 1)
    }

    @Test func `Golden runner: a file that is cut short fails`() async throws {
        let report = try await run { root in
            try write(root, "twice", y: [2, 4, 6])
            let path = root.appendingPathComponent("double/twice.safetensors")
            try Data(contentsOf: path).dropLast(3).write(to: path)
        }
        #expect(report.failures.count == 1)
        #expect(report.failures.first?.hasPrefix("double/twice: cannot be read") == true)
    }

    @Test func `Golden notation: numbers, flags and lists as Python writes them`() {
        #expect(GoldenNotation.number("1e-07") == 1e-7)
        #expect(GoldenNotation.number("1/1024") == 1.0 / 1024)
        #expect(GoldenNotation.number("None") == nil)
        #expect(GoldenNotation.flag("True") == true && GoldenNotation.flag("0") == false)
        #expect(GoldenNotation.integers("[(0, 17), (3, 9)]") == [0, 17, 3, 9])
        #expect(GoldenNotation.integers("5 10 40") == [5, 10, 40])
        #expect(GoldenNotation.integers("5.5") == nil)
    }
}
