/// Values as the metadata of reference files write them: text in Python's notation.
enum GoldenNotation {
    /// A number such as `0.3`, `1e-07` or `1/1024`.
    static func number(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let a = Double(trimmed(parts[0])), let b = Double(trimmed(parts[1])) {
            return a / b
        }
        return Double(trimmed(text[...]))
    }

    /// `True`, `False`, `1` or `0`.
    static func flag(_ text: String) -> Bool? {
        switch trimmed(text[...]) {
        case "True", "1": true
        case "False", "0": false
        default: nil
        }
    }

    /// All whole numbers of a list such as `[4, 5]`, `[(0, 17), (3, 9)]` or `5 10 40`, flat.
    static func integers(_ text: String) -> [Int]? {
        let allowed = Set("0123456789-+ ,()[]")
        guard text.allSatisfy(allowed.contains) else { return nil }
        let words = text.split { " ,()[]".contains($0) }
        let numbers = words.compactMap { Int($0) }
        return numbers.count == words.count ? numbers : nil
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
