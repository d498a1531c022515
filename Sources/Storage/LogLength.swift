/// How much of a log is known to have been on disk: damage before its end is no crash's doing.
public struct LogLength: Hashable, Sendable {
    /// The log's file name.
    public var name: String
    /// Bytes from its beginning.
    public var byteCount: Int

    /// So many bytes of the log of this name.
    public init(_ name: String, _ byteCount: Int) {
        self.name = name
        self.byteCount = byteCount
    }

    /// The length of the log `name` among `lengths`: the greatest one; 0 if none speaks of it.
    public static func of(_ name: String, in lengths: [LogLength]) -> Int {
        lengths.reduce(0) { $1.name == name ? max($0, $1.byteCount) : $0 }
    }

    static func json(_ lengths: [LogLength]) -> JSONValue {
        .object(lengths.map { JSONMember($0.name, .integer(Int64($0.byteCount))) })
    }

    static func read(_ value: JSONValue?) throws(StorageProblem) -> [LogLength] {
        guard let members = value?.members else { throw StorageProblem("has no log lengths") }
        var lengths: [LogLength] = []
        for member in members {
            guard let count = member.value.integer.flatMap({ Int(exactly: $0) }), count >= 0 else {
                throw StorageProblem("has no length for '\(member.key)'")
            }
            lengths.append(LogLength(member.key, count))
        }
        return lengths
    }
}
