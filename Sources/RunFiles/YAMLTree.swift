import Yams

/// A YAML value with the line it stands on, freed of tags, anchors and the parser's types.
indirect enum YAMLValue {
    /// A scalar; `isPlain` if it stands without quotes, so that it can be a number.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLItem])
    case mapping([YAMLEntry])

    /// What the value is, for messages.
    var kindName: String {
        switch self {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a section"
        }
    }

    /// Whether nothing, `~` or `null` stands there.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = self else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// A value and its line.
struct YAMLItem {
    var value: YAMLValue
    var line: Int
}

/// A key of a mapping, its line, and its value.
struct YAMLEntry {
    var key: String
    var line: Int
    var item: YAMLItem
}

/// Bounds on a run file: real ones have some hundred values in four levels.
enum YAMLLimits {
    static let bytesMax = 256 * 1024
    static let depthMax = 32
    static let nodesMax = 10_000
}

/// Parses `text`, whose size the caller has bounded, into a tree with a mapping at the top.
func parseYAML(_ text: String, file: String) throws(RunFileError) -> YAMLItem {
    if let alias = aliasInUse(in: text) {
        throw .mistakes([
            Mistake(
                file: file, line: alias.line, key: "",
                problem: "the alias '*\(alias.name)' is not supported; write the value out")
        ])
    }
    let root: Node?
    do {
        root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch {
        throw .mistakes([syntaxMistake(error, file: file)])
    }
    guard let root else { return YAMLItem(value: .mapping([]), line: 1) }
    var conversion = NodeConversion(file: file)
    let item = try conversion.item(root, line: 1, depth: 0)
    if item.value.isNull { return YAMLItem(value: .mapping([]), line: 1) }
    guard case .mapping = item.value else {
        throw .mistakes([
            Mistake(
                file: file, line: item.line, key: "",
                problem: "a run file is made of keys and values, this is \(item.value.kindName)")
        ])
    }
    return item
}

/// Converts the parser's nodes, within the bounds of `YAMLLimits`.
private struct NodeConversion {
    let file: String
    var nodeCount = 0

    mutating func item(_ node: Node, line: Int, depth: Int) throws(RunFileError) -> YAMLItem {
        let line = node.mark?.line ?? line
        nodeCount += 1
        guard nodeCount <= YAMLLimits.nodesMax else {
            throw mistake(line, "more than \(YAMLLimits.nodesMax) values")
        }
        guard depth <= YAMLLimits.depthMax else {
            throw mistake(line, "more than \(YAMLLimits.depthMax) levels of nesting")
        }
        switch node {
        case .scalar(let scalar):
            let isText = scalar.tag.rawValue == "tag:yaml.org,2002:str"  // all that has quotes
            if !isText { try refuseTag(scalar.tag, line) }
            return YAMLItem(
                value: .scalar(scalar.string, isPlain: scalar.style == .plain && !isText),
                line: line)
        case .sequence(let sequence):
            try refuseTag(sequence.tag, line)
            var items: [YAMLItem] = []
            for element in sequence {
                items.append(try item(element, line: line, depth: depth + 1))
            }
            return YAMLItem(value: .sequence(items), line: line)
        case .mapping(let mapping):
            try refuseTag(mapping.tag, line)
            var entries: [YAMLEntry] = []
            for (key, value) in mapping {
                let keyLine = key.mark?.line ?? line
                guard case .scalar(let scalar) = key else {
                    throw mistake(keyLine, "a key must be a single word")
                }
                let value = try item(value, line: keyLine, depth: depth + 1)
                entries.append(YAMLEntry(key: scalar.string, line: keyLine, item: value))
            }
            return YAMLItem(value: .mapping(entries), line: line)
        case .alias:
            throw mistake(line, "aliases are not supported; write the value out")
        }
    }

    private func refuseTag(_ tag: Tag, _ line: Int) throws(RunFileError) {
        guard tag.rawValue.isEmpty else {
            throw mistake(line, "the tag '\(tag.rawValue)' is not supported; leave it out")
        }
    }

    private func mistake(_ line: Int, _ problem: String) -> RunFileError {
        .mistakes([Mistake(file: file, line: line, key: "", problem: problem)])
    }
}

/// The first `*name` in the text whose `&name` stands somewhere before it, with its line.
///
/// Looks at bytes and not at grammar, before the parser runs: nothing that the grammar hides can
/// make an alias grow, and a text that happens to hold both is easily written another way.
private func aliasInUse(in text: String) -> (name: String, line: Int)? {
    var anchors: Set<String> = []
    var line = 1
    var marker: UInt8?
    var name: [UInt8] = []
    for byte in Array(text.utf8) + [UInt8(ascii: "\n")] {
        if let current = marker {
            if isAnchorByte(byte) {
                name.append(byte)
                continue
            }
            let word = String(decoding: name, as: UTF8.self)
            if current == UInt8(ascii: "&") {
                anchors.insert(word)
            } else if !word.isEmpty && anchors.contains(word) {
                return (word, line)
            }
            marker = nil
        }
        if byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") {
            marker = byte
            name = []
        }
        if byte == UInt8(ascii: "\n") { line += 1 }
    }
    return nil
}

/// Whether libyaml takes the byte as part of an anchor's name.
private func isAnchorByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}

/// The parser's complaint as a mistake of ours.
private func syntaxMistake(_ error: any Error, file: String) -> Mistake {
    var line = 0
    var problem = "\(error)"
    switch error as? YamlError {
    case .scanner(let context, let text, let mark, _), .parser(let context, let text, let mark, _),
        .composer(let context, let text, let mark, _):
        line = mark.line
        problem = [context?.text, text].compactMap { $0 }.joined(separator: ": ")
    case .reader(let text, let offset, _, let yaml):
        line = 1 + yaml.prefix(offset ?? 0).count(where: \.isNewline)
        problem = text
    case .duplicatedKeysInMapping(let duplicates, let context):
        line = context.mark.line
        let keys = duplicates.map { "'\($0)'" }.joined(separator: ", ")
        return Mistake(
            file: file, line: line, key: "", problem: "\(keys) stands twice in one section")
    case .memory:
        problem = "too deeply nested, or no memory to read it"
    default: break
    }
    return Mistake(file: file, line: line, key: "", problem: "this is no YAML: \(problem)")
}
