import Foundation
import Storage

/// How the files of one kind are checked.
///
/// A file belongs to the kind of the longest name that is
/// the file's name, or a prefix of it up to an underscore; what follows tells variants apart.
struct GoldenKind: Sendable {
    let name: String
    let check: @Sendable (GoldenCase) async throws -> Void

    init(_ name: String, _ check: @escaping @Sendable (GoldenCase) async throws -> Void) {
        self.name = name
        self.check = check
    }

    func claims(_ file: String) -> Bool { file == name || file.hasPrefix(name + "_") }
}

/// A system with reference values.
struct GoldenSystem: Sendable {
    let name: String
    let kinds: [GoldenKind]

    func kind(of file: String) -> GoldenKind? {
        kinds.filter { $0.claims(file) }.max { $0.name.utf8.count < $1.name.utf8.count }
    }
}

/// What a run over a folder of systems found.
struct GoldenReport {
    /// Lines for people, in order.
    var lines: [String] = []
    /// Every failure, with system and case.
    var failures: [String] = []
    /// Cases that were checked, by system.
    var caseCounts: [String: Int] = [:]
    /// The worst relative error, by system.
    var worst: [String: Double] = [:]
}

/// Checks every case below a folder of systems.
struct GoldenRunner {
    let systems: [GoldenSystem]

    /// Runs every case below `root`, one folder a system.
    ///
    /// A folder of a system that is not registered is named and left alone; within a registered
    /// one a file that no kind claims, an empty and a missing folder fail.
    func run(_ root: URL) async -> GoldenReport {
        var report = GoldenReport()
        // Scripts and notes may lie beside the systems.
        let folders = Self.entries(of: root).filter { name in
            var isFolder: ObjCBool = false
            let path = root.appendingPathComponent(name).path
            return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                && isFolder.boolValue
        }
        if folders.isEmpty { report.failures.append("\(root.path) holds no systems") }
        let registered = systems.map(\.name)
        for folder in folders where !registered.contains(folder) {
            report.lines.append("not yet \(folder)")
        }
        for system in systems {
            await run(system, root.appendingPathComponent(system.name), &report)
        }
        return report
    }

    private func run(
        _ system: GoldenSystem, _ folder: URL, _ report: inout GoldenReport
    ) async {
        let files = Self.entries(of: folder).filter { $0.hasSuffix(".safetensors") }
        let others = Self.entries(of: folder).filter { !$0.hasSuffix(".safetensors") }
        for other in others {
            report.failures.append("\(system.name)/\(other): nothing claims this file")
        }
        guard !files.isEmpty else {
            report.failures.append("\(system.name): no cases in \(folder.path)")
            return
        }
        var (count, worst) = (0, 0.0)
        for file in files {
            let name = String(file.dropLast(".safetensors".count))
            guard let kind = system.kind(of: name) else {
                report.failures.append("\(system.name)/\(name): nothing claims this file")
                continue
            }
            let path = folder.appendingPathComponent(file).path
            let (error, failures) = await Self.run(kind.check, name: name, path: path)
            count += 1
            worst = max(worst, error)
            report.lines.append("golden \(system.name)/\(name): \(Self.text(error))")
            report.failures += failures.map { "\(system.name)/\(name): \($0)" }
        }
        report.caseCounts[system.name] = count
        report.worst[system.name] = worst
        report.lines.append("golden \(system.name): \(count) cases, worst \(Self.text(worst))")
    }

    private static func run(
        _ check: @Sendable (GoldenCase) async throws -> Void, name: String, path: String
    ) async -> (worst: Double, failures: [String]) {
        let golden: GoldenCase
        do {
            golden = try GoldenCase(name: name, path: path)
        } catch {
            return (0, ["cannot be read: \(error)"])
        }
        do {
            try await check(golden)
            golden.finish()
        } catch {
            return (golden.worst, golden.failures + ["\(error)"])
        }
        return (golden.worst, golden.failures)
    }

    /// The names in a folder in a fixed order; none if there is no such folder.
    private static func entries(of folder: URL) -> [String] {
        // A folder that cannot be listed has no entries, which its caller reports as a failure.
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func text(_ error: Double) -> String { String(format: "%.1e", error) }
}
