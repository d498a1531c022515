import Foundation

/// A place in a source that breaks a rule of this code base.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var rule: String

    var description: String { "\(path):\(line): \(rule)" }
}

/// A Swift source as the rules see it.
struct SourceFile {
    /// From the repository's root, such as `Sources/Wire/FrameHeader.swift`.
    var path: String
    var lines: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    /// The target that the file belongs to.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// A line without comment and without what stands in quotes.
    func code(_ line: Int) -> String {
        var code = ""
        var isQuoted = false
        var previous: Character = " "
        for character in lines[line] {
            if character == "\"", previous != "\\" { isQuoted.toggle() }
            if !isQuoted {
                if character == "/", previous == "/" { return String(code.dropLast()) }
                code.append(character)
            }
            previous = character
        }
        return code
    }
}

/// The rules that a machine can check; CONTRIBUTING.md and docs/architecture.md give the reasons.
enum TidyRules {
    static let columnsMax = 100
    static let functionLinesMax = 70

    /// The only sources in which `unsafe` may stand: all arithmetic on memory, every call into C
    /// that takes pointers, and the executors.
    static let seams = [
        "Sources/Buffers/", "Sources/Identity/", "Sources/Kernels/", "Sources/Threads/",
        "Sources/Transport/NNG", "Sources/Storage/POSIX", "Sources/Datasets/Decoders",
        "Sources/Wire/Checksum", "Sources/Drill/Sockets", "Sources/Inspection/PNG",
    ]

    /// Words that no source may contain, with the reason.
    static let banned = [
        (".random(", "random numbers are counter-based (CounterRandom)"),
        ("try!", "errors reach the person"),
        ("fatalError(", "errors reach the person; bugs of ours are preconditions"),
        (" as! ", "casts that fail are errors"),
        ("nonisolated(unsafe)", "state that threads share has an owner"),
        ("import Darwin", "the system is Linux"),
    ]

    static func violations(in file: SourceFile) -> [Violation] {
        columns(file) + functions(file) + words(file) + unsafety(file) + printing(file)
            + methods(file)
    }

    private static func columns(_ file: SourceFile) -> [Violation] {
        file.lines.indices.filter { file.lines[$0].count > columnsMax }
            .map { Violation(path: file.path, line: $0 + 1, rule: "over \(columnsMax) columns") }
    }

    /// Whether a declaration goes on in a body of several lines; requirements of protocols and
    /// bodies on one line do not.
    private static func hasLongBody(_ file: SourceFile, from start: Int) -> Bool {
        for line in start..<file.lines.count {
            let text = file.code(line).trimmingCharacters(in: .whitespaces)
            if text.hasSuffix("{") { return true }
            if text.isEmpty || text.hasSuffix("}") { return false }
        }
        return false
    }

    /// Functions as the formatter lays them out: the body ends where a brace stands at the
    /// function's own indentation.
    private static func functions(_ file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        for start in file.lines.indices {
            let code = file.code(start)
            let words = code.split(whereSeparator: { !$0.isLetter })
            guard words.contains("func") || words.contains("init") else { continue }
            let indentation = String(code.prefix { $0 == " " })
            guard code.trimmingCharacters(in: .whitespaces).first?.isLetter == true,
                hasLongBody(file, from: start),
                let end = file.lines[start...].firstIndex(of: indentation + "}")
            else { continue }
            if end - start + 1 > functionLinesMax, words.contains("func") {
                found.append(
                    Violation(
                        path: file.path, line: start + 1,
                        rule: "a function of \(end - start + 1) lines"))
            }
        }
        return found
    }

    private static func words(_ file: SourceFile) -> [Violation] {
        file.lines.indices.flatMap { line in
            let code = file.code(line)
            return banned.filter { code.contains($0.0) }.map {
                Violation(path: file.path, line: line + 1, rule: "\($0.0) (\($0.1))")
            } + unfinished(file, line)
        }
    }

    private static func unfinished(_ file: SourceFile, _ line: Int) -> [Violation] {
        ["TO" + "DO", "FIX" + "ME"].filter { file.lines[line].contains($0) }.map {
            Violation(path: file.path, line: line + 1, rule: "\($0): finish it or file it")
        }
    }

    private static func unsafety(_ file: SourceFile) -> [Violation] {
        guard file.path.hasPrefix("Sources/"),
            !seams.contains(where: { file.path.hasPrefix($0) })
        else { return [] }
        return file.lines.indices.filter { line in
            let words = file.code(line).split(whereSeparator: { !$0.isLetter })
            return words.contains("unsafe") || words.contains("unchecked")
        }.map { Violation(path: file.path, line: $0 + 1, rule: "unsafe code outside the seams") }
    }

    private static func printing(_ file: SourceFile) -> [Violation] {
        guard file.path.hasPrefix("Sources/"), file.target != "pleiad" else { return [] }
        return file.lines.indices.filter { line in
            let code = file.code(line)
            return code.hasPrefix("print(") || code.contains(" print(")
        }.map { Violation(path: file.path, line: $0 + 1, rule: "only the program prints") }
    }

    /// No method's folder names a type of another method's folder.
    private static func methods(_ file: SourceFile) -> [Violation] {
        let parts = file.path.split(separator: "/").map(String.init)
        guard parts.count > 3, parts[0] == "Sources", parts[1] == "Methods" else { return [] }
        let others = methodNames.filter { $0 != parts[2] }
        return file.lines.indices.filter { line in
            let code = file.code(line)
            return others.contains { code.contains($0) }
        }.map { Violation(path: file.path, line: $0 + 1, rule: "names another method") }
    }

    /// The names with which the types of each method begin.
    static let methodNames = [
        "MLCD", "Contrastive", "RRCM", "FSFM", "Mugs", "CroCo", "MPLUG", "MixedAE", "OBoW", "CTVIS",
        "FineTuning", "LiT",
    ]
}
