import Foundation

/// What the terminal understands.
enum Terminal {
    /// Clears the screen and goes to its first line.
    static let clear = "\u{1B}[2J\u{1B}[H"
    /// Goes to the start of the line and clears it.
    static let clearLine = "\r\u{1B}[K"
    /// Whether standard error is a terminal.
    static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }
}

/// A whole number with groups of three digits.
func grouped(_ value: Int) -> String {
    var digits = String(abs(value))
    var groups: [String] = []
    while digits.count > 3 {
        groups.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}

/// A count of things, in the plural but for one.
func counted(_ count: Int, _ what: String) -> String {
    "\(grouped(count)) \(what)\(count == 1 ? "" : "s")"
}

/// A number with so many decimals.
func decimals(_ value: Double, _ count: Int) -> String {
    String(format: "%.\(count)f", value)
}

/// A number with four significant digits.
func significant(_ value: Double) -> String { String(format: "%.4g", value) }

/// Seconds as hours, minutes and seconds.
func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole >= 3600 { return "\(whole / 3600) h \(whole / 60 % 60) m" }
    if whole >= 60 { return "\(whole / 60) m \(whole % 60) s" }
    return "\(whole) s"
}

/// Rows of cells as aligned lines.
func columns(_ rows: [[String]]) -> [String] {
    guard let first = rows.first else { return [] }
    let widths = first.indices.map { column in
        rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
        zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            .joined(separator: "  ")
    }
}
