import Identity
import Storage

/// One record of a ledger as it is read here: every member there, of its type and form.
struct LedgerLine {
    struct Slice {
        var slice: Int
        var rows: Range<Int>
        var attempts: Int
        var worker: String
    }

    var step: Int
    var dataEpoch: Int
    var samples: Digest
    var version: Digest
    var next: Digest
    var slices: [Slice]

    /// Reads a record; throws what is wrong with it, in words that go behind "line N".
    init(_ value: JSONValue) throws(Problem) {
        step = try LedgerLine.number(value, "step")
        dataEpoch = try LedgerLine.number(value, "dataEpoch")
        samples = try LedgerLine.digest(value, "samples")
        version = try LedgerLine.digest(value, "version")
        next = try LedgerLine.digest(value, "next")
        _ = try LedgerLine.digest(value, "gradient")
        guard let parts = value["slices"]?.array, !parts.isEmpty else {
            throw Problem("has no slices")
        }
        slices = []
        for part in parts {
            _ = try LedgerLine.digest(part, "leaf")
            guard let rows = part["rows"]?.array, rows.count == 2, let first = rows[0].integer,
                let end = rows[1].integer, 0 <= first, first < end, end <= Int64(Int32.max)
            else { throw Problem("has a slice without rows") }
            guard let worker = part["worker"]?.string, !worker.isEmpty else {
                throw Problem("has a slice that nobody delivered")
            }
            slices.append(
                Slice(
                    slice: try LedgerLine.number(part, "slice"), rows: Int(first)..<Int(end),
                    attempts: try LedgerLine.number(part, "attempts"), worker: worker))
        }
    }

    private static func number(_ value: JSONValue, _ key: String) throws(Problem) -> Int {
        // No run has more steps, slices or leases; so their sums cannot overflow.
        guard let number = value[key]?.integer, (0...Int64(Int32.max)).contains(number) else {
            throw Problem("has no valid '\(key)'")
        }
        return Int(number)
    }

    private static func digest(_ value: JSONValue, _ key: String) throws(Problem) -> Digest {
        guard let digest = value[key]?.string.flatMap({ Digest(hex: $0) }) else {
            throw Problem("has no valid digest '\(key)'")
        }
        return digest
    }
}

/// What is wrong with a part of a file, in words that go behind the part's name.
struct Problem: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}
