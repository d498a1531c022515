extension Section {
    /// A whole number within `range`.
    public func int(
        _ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil,
        _ kind: KeyKind = .bits
    ) -> Int {
        read(key, kind, default: fallback, as: intForm(range))
    }

    /// A whole number from 0 to 2^64 - 1.
    public func unsigned(
        _ key: String, default fallback: UInt64? = nil, _ kind: KeyKind = .bits
    ) -> UInt64 {
        read(key, kind, default: fallback, as: integerForm(UInt64.min...UInt64.max))
    }

    /// A list of whole numbers within `range`, of an allowed length.
    public func ints(
        _ key: String, count: ClosedRange<Int>, in range: ClosedRange<Int>,
        default fallback: [Int]? = nil, _ kind: KeyKind = .bits
    ) -> [Int] {
        read(key, kind, default: fallback, as: intForm(range).list(count: count))
    }

    /// A finite number within `range`.
    public func float(
        _ key: String, in range: ClosedRange<Double>, default fallback: Double? = nil,
        _ kind: KeyKind = .bits
    ) -> Double {
        read(key, kind, default: fallback, as: floatForm(range, isPositive: false))
    }

    /// A number greater than 0 and at most `limit`.
    public func positiveFloat(
        _ key: String, upTo limit: Double, default fallback: Double? = nil,
        _ kind: KeyKind = .bits
    ) -> Double {
        read(key, kind, default: fallback, as: floatForm(0...limit, isPositive: true))
    }

    /// A finite number within `range`, or nil if the key is not given.
    public func optionalFloat(
        _ key: String, in range: ClosedRange<Double>, _ kind: KeyKind = .bits
    ) -> Double? {
        readOptional(key, kind, as: floatForm(range, isPositive: false))
    }

    /// A list of `count` numbers within `range`.
    public func floats(
        _ key: String, count: ClosedRange<Int>, in range: ClosedRange<Double>,
        default fallback: [Double]? = nil, _ kind: KeyKind = .bits
    ) -> [Double] {
        let form = floatForm(range, isPositive: false).list(count: count)
        return read(key, kind, default: fallback, as: form)
    }

    /// An interval: a list of two numbers within `range`, the first at most the second.
    public func interval(
        _ key: String, in range: ClosedRange<Double>, default fallback: ClosedRange<Double>? = nil,
        _ kind: KeyKind = .bits
    ) -> ClosedRange<Double> {
        let pair = floats(
            key, count: 2...2, in: range, default: fallback.map { [$0.lowerBound, $0.upperBound] },
            kind)
        guard pair[0] <= pair[1] else {
            reject(key, "the first number is greater than the second", allowed: "[low, high]")
            return pair[1]...pair[0]
        }
        return pair[0]...pair[1]
    }

    /// `true` or `false`.
    public func bool(
        _ key: String, default fallback: Bool? = nil, _ kind: KeyKind = .bits
    ) -> Bool {
        let form = Form<Bool>.scalar(
            allowed: "true or false", placeholder: false, canonical: { .plain("\($0)") }
        ) { text, isPlain in
            switch (text, isPlain) {
            case ("true", true): .success(true)
            case ("false", true): .success(false)
            default: .failure(Problem("\(quoted(text)) is neither true nor false"))
            }
        }
        return read(key, kind, default: fallback, as: form)
    }

    /// Text of 1 to 4096 bytes without control characters.
    public func string(
        _ key: String, default fallback: String? = nil, _ kind: KeyKind = .bits
    ) -> String {
        read(key, kind, default: fallback, as: textForm())
    }

    /// Text of 1 to 4096 bytes without control characters, or nil if the key is not given.
    public func optionalString(_ key: String, _ kind: KeyKind = .bits) -> String? {
        readOptional(key, kind, as: textForm())
    }

    /// One of the enumeration's raw values.
    public func choice<E: RawRepresentable & CaseIterable>(
        _ key: String, of type: E.Type = E.self, default fallback: E? = nil,
        _ kind: KeyKind = .bits
    ) -> E where E.RawValue == String {
        let cases = Array(E.allCases)
        precondition(!cases.isEmpty, "\(key): a choice of nothing")
        let name = choice(
            key, from: cases.map(\.rawValue), default: fallback?.rawValue, kind)
        return cases.first { $0.rawValue == name } ?? cases[0]
    }

    /// One of these words.
    public func choice(
        _ key: String, from words: [String], default fallback: String? = nil,
        _ kind: KeyKind = .bits
    ) -> String {
        precondition(!words.isEmpty, "\(key): a choice of nothing")
        let form = Form<String>.scalar(
            allowed: words.joined(separator: ", "), placeholder: words[0],
            canonical: { .text($0) }
        ) { text, _ in
            guard !words.contains(text) else { return .success(text) }
            let near = nearestWord(to: text, among: words).map { ", did you mean '\($0)'?" }
            return .failure(Problem("\(quoted(text)) is not one of the choices\(near ?? "")"))
        }
        return read(key, kind, default: fallback, as: form)
    }

    /// A length of time with its unit: `30 s`, `250 ms`, `1.5 min`, `2 h`.
    public func duration(
        _ key: String, in range: ClosedRange<Duration>, default fallback: Duration? = nil,
        _ kind: KeyKind = .bits
    ) -> Duration {
        let words = "\(durationText(range.lowerBound)) to \(durationText(range.upperBound))"
        let form = Form<Duration>.scalar(
            allowed: "a duration with its unit (h, min, s, ms, us, ns), \(words)",
            placeholder: range.lowerBound, canonical: { .text(durationText($0)) }
        ) { text, _ in
            guard let duration = parseDuration(text) else {
                return .failure(Problem("\(quoted(text)) is no duration"))
            }
            guard range.contains(duration) else {
                return .failure(Problem("\(quoted(text)) is out of range"))
            }
            return .success(duration)
        }
        return read(key, kind, default: fallback, as: form)
    }

    /// A number of bytes with its unit: `1 GiB`, `512 MiB`, `1.5 GiB`.
    public func byteCount(
        _ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil,
        _ kind: KeyKind = .bits
    ) -> Int {
        let words = "\(byteCountText(range.lowerBound)) to \(byteCountText(range.upperBound))"
        let form = Form<Int>.scalar(
            allowed: "a number of bytes with its unit (TiB, GiB, MiB, KiB, B), \(words)",
            placeholder: range.lowerBound, canonical: { .text(byteCountText($0)) }
        ) { text, _ in
            guard let byteCount = parseByteCount(text) else {
                return .failure(Problem("\(quoted(text)) is no number of bytes with a unit"))
            }
            guard range.contains(byteCount) else {
                return .failure(Problem("\(quoted(text)) is out of range"))
            }
            return .success(byteCount)
        }
        return read(key, kind, default: fallback, as: form)
    }
}

private func intForm(_ range: ClosedRange<Int>) -> Form<Int> { integerForm(range) }

private func integerForm<I: FixedWidthInteger>(_ range: ClosedRange<I>) -> Form<I> {
    Form<I>.scalar(
        allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
        placeholder: range.lowerBound, canonical: { .plain("\($0)") }
    ) { text, isPlain in
        let digits = String(text.unicodeScalars.filter { $0 != "_" })
        let magnitude =
            digits.hasPrefix("-") || digits.hasPrefix("+") ? digits.dropFirst() : digits[...]
        guard isPlain, !magnitude.isEmpty,
            magnitude.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return .failure(Problem("\(quoted(text)) is not a whole number")) }
        guard let value = I(digits), range.contains(value) else {
            return .failure(Problem("\(quoted(text)) is out of range"))
        }
        return .success(value)
    }
}

private func floatForm(_ range: ClosedRange<Double>, isPositive: Bool) -> Form<Double> {
    let allowed =
        isPositive
        ? "a number greater than 0, at most \(range.upperBound)"
        : "a number from \(range.lowerBound) to \(range.upperBound)"
    let placeholder = isPositive ? range.upperBound : range.lowerBound
    return Form<Double>.scalar(
        allowed: allowed, placeholder: placeholder, canonical: { .plain(floatText($0)) }
    ) { text, isPlain in
        let digits = String(text.unicodeScalars.filter { $0 != "_" })
        let alphabet = Array("0123456789+-.eE".utf8)
        guard isPlain, digits.utf8.allSatisfy(alphabet.contains), let value = Double(digits) else {
            return .failure(Problem("\(quoted(text)) is not a number"))
        }
        guard range.contains(value), !isPositive || value > 0 else {
            return .failure(Problem("\(quoted(text)) is out of range"))
        }
        return .success(value == 0 ? 0 : value)  // no negative zero
    }
}

private func textForm() -> Form<String> {
    Form<String>.scalar(
        allowed: "text of 1 to 4096 bytes", placeholder: "-", canonical: { .text($0) }
    ) { text, _ in
        guard (1...4096).contains(text.utf8.count) else {
            return .failure(Problem("has \(text.utf8.count) bytes"))
        }
        guard !text.unicodeScalars.contains(where: isControl) else {
            return .failure(Problem("\(quoted(text)) holds a control character"))
        }
        return .success(text)
    }
}
