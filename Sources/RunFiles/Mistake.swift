/// One thing that is wrong in a run file, with the place and the remedy.
public struct Mistake: Hashable, Sendable, CustomStringConvertible {
    /// The file's name as the user gave it.
    public var file: String
    /// The line, counted from 1; 0 if the mistake has no place in the text.
    public var line: Int
    /// The key with the sections around it, joined by dots; empty for the file as a whole.
    public var key: String
    /// What is wrong, in words.
    public var problem: String
    /// What would be right, in words; empty if the problem says it.
    public var allowed: String

    /// A mistake at this place.
    public init(file: String, line: Int, key: String, problem: String, allowed: String = "") {
        self.file = file
        self.line = line
        self.key = key
        self.problem = problem
        self.allowed = allowed
    }

    /// `file:line: key: what is wrong; allowed: what is`.
    public var description: String {
        var text = line > 0 ? "\(file):\(line): " : "\(file): "
        if !key.isEmpty { text += "\(key): " }
        text += problem
        if !allowed.isEmpty { text += "; allowed: \(allowed)" }
        return text
    }
}

/// Why a run file cannot be used.
public enum RunFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file cannot be read, or is no text of acceptable size.
    case unreadable(file: String, reason: String)
    /// The text has these mistakes, all of them, in the order of lines.
    case mistakes([Mistake])

    /// One line for each mistake.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): \(reason)"
        case .mistakes(let mistakes):
            mistakes.map(\.description).joined(separator: "\n")
        }
    }
}

/// Collects the mistakes of one document while its sections are decoded.
final class MistakeLedger {
    /// More than these are not shown: whoever has so many starts at the top anyway.
    static let mistakesMax = 100

    let file: String
    private(set) var mistakes: [Mistake] = []
    private var omitted = 0

    init(file: String) {
        self.file = file
    }

    func record(line: Int, key: String, problem: String, allowed: String = "") {
        let mistake = Mistake(
            file: file, line: line, key: key, problem: problem, allowed: allowed)
        guard !mistakes.contains(mistake) else { return }
        guard mistakes.count < MistakeLedger.mistakesMax else {
            omitted += 1
            return
        }
        mistakes.append(mistake)
    }

    /// The mistakes in the order of lines, those of one line in the order of keys.
    func sorted() -> [Mistake] {
        var sorted = mistakes.sorted { ($0.line, $0.key) < ($1.line, $1.key) }
        if omitted > 0 {
            sorted.append(
                Mistake(file: file, line: 0, key: "", problem: "and \(omitted) more mistakes"))
        }
        return sorted
    }
}
