internal import Foundation

/// One line of a benchmark's output: a JSON object whose fields stand in the order of entry.
///
/// Fields that subcommands share: `case`, `seconds` (of a step, the median),
/// `images_per_second`, `gflops`, `share_of_peak` (of the multiply-add peak that the same run
/// measured); with a peer `peer`, `peer_images_per_second` and `ratio`, how many times faster we
/// are.
struct CaseLine {
    private var fields: [(name: String, json: String)] = []

    /// A line for the case of this name.
    init(_ name: String) { set("case", name) }

    /// Enters a number, to four significant digits (whole numbers above that stay whole).
    mutating func set(_ name: String, _ value: Double) {
        fields.append((name, Self.text(value)))
    }

    /// Enters a count.
    mutating func set(_ name: String, _ value: Int) { fields.append((name, String(value))) }

    /// Enters a text.
    mutating func set(_ name: String, _ value: String) {
        fields.append((name, Self.quoted(value)))
    }

    /// Enters a group of numbers.
    mutating func set(_ name: String, _ values: [(name: String, value: Double)]) {
        let parts = values.map { "\(Self.quoted($0.name)): \(Self.text($0.value))" }
        fields.append((name, "{\(parts.joined(separator: ", "))}"))
    }

    /// The JSON object.
    var json: String {
        "{\(fields.map { "\(Self.quoted($0.name)): \($0.json)" }.joined(separator: ", "))}"
    }

    /// Writes the line to standard output at once.
    func write() { FileHandle.standardOutput.write(Data((json + "\n").utf8)) }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        guard value != 0, abs(value) < 1e4 else { return String(format: "%.0f", value) }
        let decimals = max(0, 3 - Int(log10(abs(value)).rounded(.down)))
        return String(format: "%.\(decimals)f", value)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case let other where other.value < 0x20:
                result += String(format: "\\u%04x", other.value)
            case let other: result.unicodeScalars.append(other)
            }
        }
        return result + "\""
    }
}

/// Words for the person at the terminal, beside the JSON lines.
func remark(_ text: String) {
    FileHandle.standardError.write(Data("bench: \(text)\n".utf8))
}
