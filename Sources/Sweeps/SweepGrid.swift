public import RunFiles

/// The runs of a sweep: every combination of the values that its keys are to have.
public struct SweepGrid: Hashable, Sendable {
    /// More runs than anybody waits for are a slip of the pen.
    public static let runsMax = 10_000
    /// The longest name of a run, in bytes: with its endings it must still be a file name.
    private static let nameBytesMax = 240

    /// A key with the values that it is to have.
    public struct Axis: Hashable, Sendable {
        /// The sections around the key and the key, joined by dots.
        public let key: String
        /// Values as YAML, in the order given.
        public let values: [String]

        /// The axis that `KEY=VALUE,VALUE,…` describes; commas in brackets and quotes part nothing.
        ///
        /// - Throws: `SweepError.badSetting`.
        public init(_ text: String) throws(SweepError) {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw .badSetting(text, "is not KEY=VALUE,VALUE,…")
            }
            key = String(text[..<equals])
            values = SweepGrid.parts(of: text[text.index(after: equals)...])
            guard !values.contains("") else { throw .badSetting(text, "has an empty value") }
            guard Set(values).count == values.count else {
                throw .badSetting(text, "has a value twice")
            }
        }
    }

    /// One run of a sweep.
    public struct Run: Hashable, Sendable {
        /// What is set, in the order of the axes.
        public let settings: [KeySetting]
        /// A name that is a file name, and that no other run of any sweep of these keys has.
        public let name: String
    }

    /// The keys.
    public let axes: [Axis]
    /// The runs; the last axis moves fastest.
    public let runs: [Run]

    /// Every combination of the axes' values.
    ///
    /// - Throws: `SweepError.badSetting` if a key stands twice, there are more than `runsMax`, or
    ///   two would have the same name, or one that is too long.
    public init(_ axes: [Axis]) throws(SweepError) {
        for (place, axis) in axes.enumerated()
        where axes[..<place].contains(where: { $0.key == axis.key }) {
            throw .badSetting(axis.key, "is set twice; name all its values at once")
        }
        var runs: [[KeySetting]] = [[]]
        for axis in axes {
            guard runs.count * axis.values.count <= Self.runsMax else {
                throw .badSetting(axis.key, "makes more than \(Self.runsMax) runs")
            }
            runs = runs.flatMap { settings in
                axis.values.map { settings + [KeySetting(axis.key, $0)] }
            }
        }
        self.axes = axes
        self.runs = runs.map { Run(settings: $0, name: Self.name(of: $0)) }
        let names = self.runs.map(\.name)
        guard names.allSatisfy({ $0.utf8.count <= Self.nameBytesMax }) else {
            throw .badSetting(
                axes.map(\.key).joined(separator: ", "),
                "makes names of more than \(Self.nameBytesMax) bytes; set fewer keys, or write "
                    + "long values into a run file")
        }
        guard Set(names).count == names.count else {
            throw .badSetting(
                axes.map(\.key).joined(separator: ", "),
                "has values that differ only in characters that file names do not have")
        }
    }

    /// `key=value` of every setting, with only characters that are plain in any shell.
    private static func name(of settings: [KeySetting]) -> String {
        guard !settings.isEmpty else { return "as-it-stands" }
        return settings.map(\.description).joined(separator: ",").map { character in
            character.isASCII && (character.isLetter || character.isNumber)
                || "=,.+-_".contains(character) ? String(character) : "_"
        }.joined()
    }

    /// Parts between commas that stand in no bracket and no quotes, without blanks around them.
    static func parts(of text: Substring) -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil }
            } else {
                switch character {
                case "\"", "'": quote = character
                case "[", "{": depth += 1
                case "]", "}": depth -= 1
                default: break
                }
            }
            if character == ",", depth <= 0, quote == nil {
                parts.append(part)
                part = ""
            } else {
                part.append(character)
            }
        }
        return (parts + [part]).map { text in
            String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}
