/// How a kind of value is read from YAML, described to people, and written back.
struct Form<Value> {
    /// What is allowed, in words.
    var allowed: String
    /// Stands in for a value after a mistake.
    var placeholder: Value
    /// The value, or what is wrong with it.
    var parse: (YAMLValue) -> Result<Value, Problem>
    /// The one text that the value has in resolved run files.
    var canonical: (Value) -> CanonicalValue
}

/// What is wrong with a value, in words.
struct Problem: Error {
    var text: String
    init(_ text: String) { self.text = text }
}

extension Form {
    /// A form of single values: their text, and whether it stands without quotes.
    static func scalar(
        allowed: String, placeholder: Value,
        canonical: @escaping (Value) -> CanonicalValue,
        parse: @escaping (String, _ isPlain: Bool) -> Result<Value, Problem>
    ) -> Form {
        Form(
            allowed: allowed, placeholder: placeholder,
            parse: { value in
                guard case .scalar(let text, let isPlain) = value else {
                    return .failure(Problem("is \(value.kindName), not a single value"))
                }
                return parse(text, isPlain)
            }, canonical: canonical)
    }

    /// A form of lists whose elements have this form.
    func list(count: ClosedRange<Int>) -> Form<[Value]> {
        let number =
            count.lowerBound == count.upperBound
            ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
        return Form<[Value]>(
            allowed: "a list [a, b, ...] of \(number), each \(allowed)",
            placeholder: Array(repeating: placeholder, count: count.lowerBound),
            parse: { value in
                guard case .sequence(let items) = value else {
                    return .failure(Problem("is \(value.kindName), not a list"))
                }
                guard count.contains(items.count) else {
                    return .failure(Problem("has \(items.count) elements"))
                }
                var values: [Value] = []
                for (index, item) in items.enumerated() {
                    switch parse(item.value) {
                    case .success(let value): values.append(value)
                    case .failure(let problem):
                        return .failure(Problem("element \(index + 1) \(problem.text)"))
                    }
                }
                return .success(values)
            },
            canonical: { .list($0.map(canonical)) })
    }
}

/// `text` in quotes for a message: shortened, and without characters that disturb a terminal.
func quoted(_ text: String) -> String {
    "'\(printable(text))'"
}

/// `text` for a message: shortened, and without characters that disturb a terminal.
func printable(_ text: String) -> String {
    let clean = String(
        String.UnicodeScalarView(
            text.unicodeScalars.prefix(120).map { scalar in
                isControl(scalar) ? "\u{fffd}" : scalar
            }))
    return text.unicodeScalars.count > 120 ? clean + "..." : clean
}

/// Whether the scalar is a control character, a line separator or a byte order mark.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .unassigned, .format: true
    default: false
    }
}
