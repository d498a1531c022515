import Foundation
import Testing

@Suite struct TidyTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func sources() throws -> [SourceFile] {
        var files: [SourceFile] = []
        for top in ["Sources", "Tests"] {
            let folder = root.appendingPathComponent(top)
            let paths = FileManager.default.enumerator(atPath: folder.path)
            while let path = paths?.nextObject() as? String {
                guard path.hasSuffix(".swift"), !path.contains(".build") else { continue }
                let text = try String(
                    contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
                files.append(SourceFile(path: "\(top)/\(path)", text: text))
            }
        }
        return files.sorted { $0.path < $1.path }
    }

    @Test func `the sources keep the rules that a machine can check`() throws {
        let files = try Self.sources()
        #expect(files.count > 100, "the sources were not found below \(Self.root.path)")
        let violations = files.flatMap { TidyRules.violations(in: $0) }
        #expect(violations.isEmpty, "\(violations.map(\.description).joined(separator: "\n"))")
    }

    @Test(arguments: [
        ("Sources/Wire/A.swift", "let a = " + String(repeating: "1", count: 100)),
        ("Sources/Wire/A.swift", "let a = Int.random(in: 0...1)"),
        ("Sources/Wire/A.swift", "let a = tr" + "y! f()"),
        ("Sources/Wire/A.swift", "// TO" + "DO: later"),
        ("Sources/Wire/A.swift", "print(1)"),
        ("Sources/Networks/A.swift", "let a = unsafe f()"),
        ("Sources/Methods/MLCD/A.swift", "let a: OBoWSettings"),
        (
            "Sources/Wire/A.swift",
            "func f() {\n" + String(repeating: "    g()\n", count: 80) + "}"
        ),
    ])
    func `a planted fault is found`(path: String, text: String) {
        #expect(TidyRules.violations(in: SourceFile(path: path, text: text)).count == 1)
    }

    @Test func `comments, strings and seams are left alone`() {
        let comment = SourceFile(path: "Sources/Wire/A.swift", text: "// unsafe print(\nlet b = 1")
        let text = SourceFile(path: "Sources/Wire/A.swift", text: "let a = \"unsafe .random(\"")
        let seam = SourceFile(path: "Sources/Buffers/A.swift", text: "let a = unsafe f()")
        for file in [comment, text, seam] {
            #expect(TidyRules.violations(in: file).isEmpty)
        }
    }

    @Test func `every target has an arrow list in the manifest`() throws {
        let manifest = try String(
            contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let targets = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path)
        for target in targets where !target.hasPrefix(".") {
            #expect(manifest.contains("name: \"\(target)\""), "\(target) is not in Package.swift")
        }
    }
}
