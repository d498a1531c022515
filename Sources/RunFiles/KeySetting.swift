/// A key of a run file with the value that it is to have, whatever the file says.
public struct KeySetting: Hashable, Sendable, CustomStringConvertible {
    /// The sections around the key and the key, joined by dots.
    public var key: String
    /// The value as YAML, on one line.
    public var value: String

    /// A key with its value.
    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    /// `key=value`.
    public var description: String { "\(key)=\(value)" }

    /// The keys that lead there.
    private var path: [String] {
        key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    /// Sets the key in a run file's tree; sections that are missing are made.
    func apply(to root: inout YAMLItem, file: String) throws(RunFileError) {
        guard !path.contains("") else {
            throw refusal("is no key: sections and key are joined by single dots", file)
        }
        let item = try parsedValue(file)
        guard Self.set(path[...], to: item, in: &root) else {
            throw refusal("lies within a key that is no section", file)
        }
    }

    /// The value as a tree, without a line: it does not stand in the file.
    private func parsedValue(_ file: String) throws(RunFileError) -> YAMLItem {
        guard !value.contains(where: \.isNewline) else {
            throw refusal("has a value of several lines", file)
        }
        let tree: YAMLItem
        do throws(RunFileError) {
            tree = try parseYAML("value: \(value)\n", file: file)
        } catch {
            throw refusal("has the value '\(printable(value))', which is no YAML", file)
        }
        guard case .mapping(let entries) = tree.value, entries.count == 1 else {
            throw refusal("has the value '\(printable(value))', which is no single value", file)
        }
        return entries[0].item.withoutLines
    }

    private static func set(
        _ path: ArraySlice<String>, to value: YAMLItem, in item: inout YAMLItem
    ) -> Bool {
        guard let key = path.first else {
            item = value
            return true
        }
        var entries: [YAMLEntry]
        switch item.value {
        case .mapping(let given): entries = given
        case let given where given.isNull: entries = []
        default: return false
        }
        let place = entries.firstIndex { $0.key == key } ?? entries.count
        if place == entries.count {
            entries.append(
                YAMLEntry(key: key, line: 0, item: YAMLItem(value: .mapping([]), line: 0)))
        }
        if path.count == 1 { entries[place].line = 0 }
        guard set(path.dropFirst(), to: value, in: &entries[place].item) else { return false }
        item.value = .mapping(entries)
        return true
    }

    private func refusal(_ problem: String, _ file: String) -> RunFileError {
        .mistakes([Mistake(file: file, line: 0, key: printable(key), problem: problem)])
    }
}

extension YAMLItem {
    fileprivate var withoutLines: YAMLItem {
        let value: YAMLValue =
            switch self.value {
            case .scalar: self.value
            case .sequence(let items): .sequence(items.map(\.withoutLines))
            case .mapping(let entries):
                .mapping(
                    entries.map { YAMLEntry(key: $0.key, line: 0, item: $0.item.withoutLines) })
            }
        return YAMLItem(value: value, line: 0)
    }
}
