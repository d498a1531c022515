/// The word that `word` was probably meant to be; nil if none is near.
///
/// Words that differ only in case and separators count as equal (`learning_rate` and
/// `learningRate`); otherwise at most a third of the letters may be wrong, missing, added or
/// swapped with their neighbour. The first of equally near words wins.
func nearestWord(to word: String, among words: [String]) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let letters = folded(word)
    var nearest: (word: String, distance: Int)?
    for candidate in words {
        let distance = editDistance(letters, folded(candidate))
        guard distance <= max(1, letters.count / 3), distance < max(letters.count, 1) else {
            continue
        }
        if distance < nearest?.distance ?? Int.max { nearest = (candidate, distance) }
    }
    return nearest?.word
}

private func folded(_ word: String) -> [UInt8] {
    word.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
}

/// The optimal string alignment distance: insertions, deletions, replacements and swaps.
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in 0..<a.count {
        var current = [i + 1]
        for j in 0..<b.count {
            var distance = min(previous[j + 1] + 1, current[j] + 1)
            distance = min(distance, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                distance = min(distance, beforePrevious[j - 1] + 1)
            }
            current.append(distance)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[b.count]
}

/// Units of time with their nanoseconds, largest first.
private let durationUnits: [(name: String, nanoseconds: Int64)] = [
    ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
]

/// The duration that `text` gives: a decimal number and a unit; nil if it is none, is negative or
/// longer than ten years.
func parseDuration(_ text: String) -> Duration? {
    let number = text.prefix { "0123456789.".contains($0) }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    guard let scale = durationUnits.first(where: { $0.name == unit })?.nanoseconds,
        let value = Double(number)
    else { return nil }
    let nanoseconds = (value * Double(scale)).rounded()
    guard nanoseconds <= 10 * 366 * 86_400 * 1e9 else { return nil }
    return .nanoseconds(Int64(nanoseconds))
}

/// The duration in the largest unit that gives a whole number, as `30 s`; exact to nanoseconds.
public func durationText(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    guard nanoseconds != 0 else { return "0 s" }
    for unit in durationUnits where nanoseconds % unit.nanoseconds == 0 {
        return "\(nanoseconds / unit.nanoseconds) \(unit.name)"
    }
    return "\(nanoseconds) ns"
}

/// Units of memory with their bytes, largest first.
private let byteUnits: [(name: String, bytes: Int)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
]

/// The number of bytes that `text` gives: a decimal number and a unit; nil if it is none, is
/// negative or more than 2^53.
func parseByteCount(_ text: String) -> Int? {
    let number = text.prefix { "0123456789.".contains($0) }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    guard let scale = byteUnits.first(where: { $0.name == unit })?.bytes,
        let value = Double(number)
    else { return nil }
    let bytes = (value * Double(scale)).rounded()
    guard bytes <= Double(1 << 53) else { return nil }
    return Int(bytes)
}

/// The number of bytes in the largest unit that gives a whole number, as `512 MiB`.
public func byteCountText(_ byteCount: Int) -> String {
    guard byteCount != 0 else { return "0 B" }
    for unit in byteUnits where byteCount % unit.bytes == 0 {
        return "\(byteCount / unit.bytes) \(unit.name)"
    }
    return "\(byteCount) B"
}

/// The shortest decimal text that reads back as this number, always with a point.
func floatText(_ value: Double) -> String {
    let text = "\(value)"
    guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
    return "\(text[..<exponent]).0\(text[exponent...])"
}
