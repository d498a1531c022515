/// Numbers at which readers go wrong: ends of types and one beyond, signs, fractions, exponents.
private let numbers = [
    "0", "1", "-1", "2", "255", "256", "65536", "2147483647", "2147483648", "4294967295",
    "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "18446744073709551615", "1e308", "1e309", "-0.0", "0.5", "1e-400", "nan", "000", "1_000",
]

/// Text in which one number or word is another one, so that its grammar holds.
///
/// A number gives way to one at which readers go wrong, or to one near it; a word to another word
/// of the text.
///
/// - Parameter drawn: any number; decides which, and by what.
public func withOtherWord(_ input: [UInt8], drawn: UInt64) -> [UInt8] {
    var state = drawn
    func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
    let words = wordRanges(input)
    guard !words.isEmpty else { return input }
    let word = words[below(words.count)]
    let text = String(decoding: input[word], as: UTF8.self)
    let other: [UInt8]
    if let number = Int64(text), below(2) == 0 {
        other = Array("\(number &+ Int64(below(5) - 2))".utf8)
    } else if Double(text) != nil {
        other = Array(numbers[below(numbers.count)].utf8)
    } else {
        other = Array(input[words[below(words.count)]])
    }
    return input[..<word.lowerBound] + other + input[word.upperBound...]
}

/// The runs of letters, digits and the signs that numbers have.
private func wordRanges(_ input: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var begin: Int?
    for (place, byte) in input.enumerated() {
        if isWordByte(byte) {
            begin = begin ?? place
        } else if let first = begin {
            ranges.append(first..<place)
            begin = nil
        }
    }
    if let begin { ranges.append(begin..<input.count) }
    return ranges
}

private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"):
        true
    default: false
    }
}
