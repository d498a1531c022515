/// Whether a key decides the bits of the trained model.
public enum KeyKind: String, Hashable, Sendable {
    /// Part of the config digest: every peer and every start of the run must agree on it.
    case bits
    /// May change between starts of a run and differ between peers.
    case free
    /// Decides bits, but came later than others: at its default it is no part of the config digest,
    /// so that runs from before keep theirs.
    case later
}

/// One section of a run file: typed reads by key, which record mistakes and never throw.
///
/// A read declares its key. A key that was given but never declared is a mistake (`finish()` of the
/// document says so); a value that was not given gets its default, and a key without default that
/// is missing is a mistake. After a mistake the read returns a placeholder of the right type.
public final class Section {
    /// What a read has found out about a key, for the resolved text.
    enum Resolution {
        case value(CanonicalValue, KeyKind)
        case section(Section)
        /// Declared, optional and not given.
        case absent
    }

    /// The keys that lead here, joined by dots; empty for the whole file.
    public let path: String
    /// The line where the section begins; that of the section around it if it was not given.
    public let line: Int
    /// Whether the file has this section.
    public let isGiven: Bool

    private let entries: [YAMLEntry]
    private let ledger: MistakeLedger
    /// Declared keys in the order of their first read.
    private(set) var declared: [(key: String, resolution: Resolution)] = []

    init(path: String, item: YAMLItem, ledger: MistakeLedger, isGiven: Bool = true) {
        self.path = path
        self.line = item.line
        self.ledger = ledger
        self.isGiven = isGiven
        if case .mapping(let entries) = item.value {
            self.entries = entries
        } else {
            self.entries = []
        }
    }

    /// Whether the file gives this key here; asking does not declare it.
    public func has(_ key: String) -> Bool { entry(key) != nil }

    /// The section below `key`; one without values if the file does not give it.
    ///
    /// Asking twice gives the same section, so that two owners can share one.
    public func sub(_ key: String) -> Section {
        if case .section(let section)? = declared.first(where: { $0.key == key })?.resolution {
            return section
        }
        let section: Section
        if let entry = entry(key) {
            switch entry.item.value {
            case .mapping: break
            case let value where value.isNull: break
            default:
                record(
                    entry.line, key, "is \(entry.item.value.kindName), not a section",
                    "keys and values on lines of their own, indented below it")
            }
            let item = YAMLItem(value: entry.item.value, line: entry.line)
            section = Section(path: fullKey(key), item: item, ledger: ledger)
        } else {
            let nothing = YAMLItem(value: .mapping([]), line: line)
            section = Section(path: fullKey(key), item: nothing, ledger: ledger, isGiven: false)
        }
        declare(key, .section(section))
        return section
    }

    /// Records a mistake that the owner has found: values that do not fit together, say.
    public func reject(_ key: String, _ problem: String, allowed: String = "") {
        record(entry(key)?.line ?? line, key, problem, allowed)
    }

    /// Reads one value in the given form; what all the typed reads come down to.
    ///
    /// - Parameter fallback: the value of a key that is not given; nil if it must be.
    func read<Value>(
        _ key: String, _ kind: KeyKind, default fallback: Value?, as form: Form<Value>
    ) -> Value {
        guard let entry = entry(key) else {
            guard let fallback else {
                record(line, key, "is missing", form.allowed)
                declare(key, .absent)
                return form.placeholder
            }
            declare(key, .value(form.canonical(fallback), kind == .later ? .free : kind))
            return fallback
        }
        let value = parse(entry, as: form) ?? fallback ?? form.placeholder
        let canonical = form.canonical(value)
        var kind = kind
        if kind == .later {
            let isDefault = fallback.map { form.canonical($0).yaml == canonical.yaml } ?? false
            kind = isDefault ? .free : .bits
        }
        declare(key, .value(canonical, kind))
        return value
    }

    /// Reads one value that may be left out, with nil for "not given".
    func readOptional<Value>(
        _ key: String, _ kind: KeyKind, as form: Form<Value>
    ) -> Value? {
        guard let entry = entry(key), let value = parse(entry, as: form) else {
            declare(key, .absent)
            return nil
        }
        declare(key, .value(form.canonical(value), kind == .later ? .bits : kind))
        return value
    }

    /// Records every key that was given and not declared, here and below.
    func recordUnknownKeys() {
        let known = declared.map(\.key)
        for entry in entries where !known.contains(entry.key) {
            var problem = "unknown key"
            if let near = nearestWord(to: entry.key, among: known) {
                problem += ", did you mean '\(near)'?"
            }
            let allowed = known.isEmpty ? "no key in this section" : known.joined(separator: ", ")
            record(entry.line, entry.key, problem, allowed)
        }
        for case (_, .section(let section)) in declared { section.recordUnknownKeys() }
    }

    private func parse<Value>(_ entry: YAMLEntry, as form: Form<Value>) -> Value? {
        let problem: String
        if entry.item.value.isNull {
            problem = "has no value"
        } else {
            switch form.parse(entry.item.value) {
            case .success(let value): return value
            case .failure(let failure): problem = failure.text
            }
        }
        record(entry.line, entry.key, problem, form.allowed)
        return nil
    }

    private func entry(_ key: String) -> YAMLEntry? {
        entries.first { $0.key == key }
    }

    private func declare(_ key: String, _ resolution: Resolution) {
        if let index = declared.firstIndex(where: { $0.key == key }) {
            declared[index].resolution = resolution
        } else {
            declared.append((key, resolution))
        }
    }

    private func fullKey(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    private func record(_ line: Int, _ key: String, _ problem: String, _ allowed: String) {
        ledger.record(
            line: line, key: printable(fullKey(key)), problem: problem, allowed: allowed)
    }
}
