/// One pass over a log: where sound records end, and what stands behind them.
public struct LogScan: Sendable {
    /// Ends of the records before the first bad line, in bytes.
    public private(set) var ends: [Int] = []
    /// The file's size.
    public private(set) var byteCount = 0
    /// The first line that is no record, counted from 1; nil if all are.
    public private(set) var badLine: Int?
    /// What is wrong with it, to be put behind "line N".
    public private(set) var badReason = ""
    /// Whether the bad line ends: a record that was cut short by a crash does not.
    public private(set) var badLineEnds = false
    /// The first sound line behind the bad one.
    public private(set) var lineAfterBad: Int?
    private let path: String

    /// Where the sound records end.
    public var soundByteCount: Int { ends.last ?? 0 }

    /// Reads a log, changing nothing; another process may be writing it.
    ///
    /// - Parameter visit: is given every record before the first bad line, with its number from 0.
    public init(
        path: String, fileSystem: any FileSystem = LocalFileSystem(),
        visit: (Int, JSONValue) throws(StorageError) -> Void = { _, _ throws(StorageError) in }
    ) throws(StorageError) {
        let file = try fileSystem.open(path, .read)
        try self.init(file, path, visit)
        try file.close()
    }

    init(
        _ file: any OpenFile, _ path: String,
        _ visit: (Int, JSONValue) throws(StorageError) -> Void
    ) throws(StorageError) {
        self.path = path
        var line: [UInt8] = []
        var lineNumber = 1
        while true {
            let chunk = try file.read(at: byteCount, count: transferChunkBytes)
            guard !chunk.isEmpty else { break }
            var rest = chunk[...]
            while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[...newline]
                let end = byteCount + newline + 1
                try take(line, lineNumber, end: end, visit)
                line = []
                lineNumber += 1
                rest = rest[(newline + 1)...]
            }
            line += rest
            byteCount += chunk.count
            // A longer line is no record; its middle need not be kept to know that.
            if line.count > 2 * AppendOnlyLog.recordBytesMax {
                line = Array(line.prefix(AppendOnlyLog.recordBytesMax + 1))
            }
        }
        if !line.isEmpty, badLine == nil {
            badLine = lineNumber
            badReason = "does not end"
            // A record behind which another byte stands than its newline was not cut short; if it
            // is no record, it was.
            badLineEnds = (try? SealedJSON.open(line.dropLast() + [10], .line)) != nil
        }
    }

    private mutating func take(
        _ line: [UInt8], _ number: Int, end: Int,
        _ visit: (Int, JSONValue) throws(StorageError) -> Void
    ) throws(StorageError) {
        let record: JSONValue
        do throws(StorageProblem) {
            guard line.count <= AppendOnlyLog.recordBytesMax else {
                throw StorageProblem("is longer than \(AppendOnlyLog.recordBytesMax) bytes")
            }
            record = try SealedJSON.open(line, .line)
        } catch {
            if badLine == nil {
                badLine = number
                badReason = error.reason
                badLineEnds = true
            }
            return
        }
        if badLine == nil {
            try visit(ends.count, record)
            ends.append(end)
        } else if lineAfterBad == nil {
            lineAfterBad = number
        }
    }

    /// What is damaged beyond what a crash can do to a log; nil if nothing is.
    ///
    /// - Parameter committedByteCount: what is known to have been on disk.
    public func damage(committedByteCount: Int) -> (line: Int, reason: String)? {
        if let badLine, let lineAfterBad {
            return (
                badLine,
                "line \(badLine) \(badReason), and line \(lineAfterBad) is sound: "
                    + "no crash does that; restore the file from a copy"
            )
        }
        guard soundByteCount < committedByteCount else { return nil }
        let line = badLine ?? ends.count + 1
        return (
            line,
            "line \(line) \(badLine == nil ? "is missing" : badReason), and it was on disk "
                + "(the first \(committedByteCount) bytes were): restore the file from a copy"
        )
    }

    func refuseDamage(committedByteCount: Int) throws(StorageError) {
        guard let damage = damage(committedByteCount: committedByteCount) else { return }
        throw .damaged(path: path, reason: damage.reason)
    }
}
