/// A value in the one text that it has in resolved run files.
enum CanonicalValue {
    /// A number, `true` or `false`.
    case plain(String)
    /// Text, in quotes where YAML could misread it.
    case text(String)
    case list([CanonicalValue])

    /// The YAML text, on one line.
    var yaml: String {
        switch self {
        case .plain(let text): text
        case .text(let text): isSafePlain(text) ? text : doubleQuoted(text)
        case .list(let values): "[\(values.map(\.yaml).joined(separator: ", "))]"
        }
    }
}

/// A run file with every default filled in: what was decided, in one canonical form.
public struct ResolvedRunFile: Hashable, Sendable {
    /// One key with its value.
    public struct Entry: Hashable, Sendable {
        /// The sections around the key and the key, joined by dots.
        public var key: String
        /// The value as YAML, on one line.
        public var value: String
        /// Whether the key decides bits.
        public var kind: KeyKind
    }

    /// Every value, in the order in which their owners declare them.
    public let entries: [Entry]
    /// Canonical YAML with every default; reading it gives the same text again.
    public let text: String

    init(root: Section) {
        var entries: [Entry] = []
        text = ResolvedRunFile.write(root, indentation: "", entries: &entries)
        self.entries = entries
    }

    /// One line `key: value` for each *bits* key, sorted by key: what the config digest is of.
    public var bitsText: String {
        entries.filter { $0.kind == .bits }
            .sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
            .map { "\($0.key): \($0.value)\n" }
            .joined()
    }

    private static func write(
        _ section: Section, indentation: String, entries: inout [Entry]
    ) -> String {
        var text = ""
        for (key, resolution) in section.declared {
            switch resolution {
            case .absent: break
            case .value(let value, let kind):
                let fullKey = section.path.isEmpty ? key : "\(section.path).\(key)"
                entries.append(Entry(key: fullKey, value: value.yaml, kind: kind))
                text += "\(indentation)\(CanonicalValue.text(key).yaml): \(value.yaml)\n"
            case .section(let below):
                let body = write(below, indentation: indentation + "  ", entries: &entries)
                let name = "\(indentation)\(CanonicalValue.text(key).yaml):"
                if !body.isEmpty {
                    text += "\(name)\n\(body)"
                } else if below.isGiven {
                    text += "\(name) {}\n"
                }
            }
        }
        return text
    }
}

/// A key on which two run files differ.
public struct KeyDifference: Hashable, Sendable, CustomStringConvertible {
    /// The sections around the key and the key, joined by dots.
    public var key: String
    /// The value in the first file; nil if it has no such key.
    public var first: String?
    /// The value in the second file; nil if it has no such key.
    public var second: String?

    /// `key: first here, second there`.
    public var description: String {
        "\(key): \(first ?? "not set") against \(second ?? "not set")"
    }
}

/// The keys on which two texts of `ResolvedRunFile.bitsText` differ, sorted by key.
public func differences(_ first: String, _ second: String) -> [KeyDifference] {
    let a = keyedLines(first)
    let b = keyedLines(second)
    let keys = Set(a.keys).union(b.keys).sorted()
    return keys.compactMap { key in
        a[key] == b[key] ? nil : KeyDifference(key: key, first: a[key], second: b[key])
    }
}

private func keyedLines(_ text: String) -> [String: String] {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
        guard let colon = line.firstRange(of: ": ") else { continue }
        values[String(line[..<colon.lowerBound])] = String(line[colon.upperBound...])
    }
    return values
}

/// Whether YAML reads the text without quotes as just this text, in every version of YAML.
private func isSafePlain(_ text: String) -> Bool {
    let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
    guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/"),
        !reserved.contains(text.lowercased())
    else { return false }
    return text.utf8.allSatisfy { byte in
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || Array("-_./".utf8).contains(byte)
    }
}

private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}

/// `text`, which holds no control characters, as a YAML scalar in double quotes.
private func doubleQuoted(_ text: String) -> String {
    let escaped = text.unicodeScalars
        .map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        .joined()
    return "\"\(escaped)\""
}
