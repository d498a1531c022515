import Synchronization

/// A file of JSON objects, one a line, each with its checksum, that only grows.
///
/// A record is there whole or not at all: what a crash has torn at the end is cut off when the log
/// is opened. Damage before sound records is no crash's doing and is refused by line. Readable by
/// plain tools; a record's checksum is its last member, `crc`.
public final class AppendOnlyLog: Sendable {
    /// The longest record, in bytes.
    public static let recordBytesMax = 1 << 20

    /// What opening does about damage that sound records follow.
    public enum MiddleDamage: Hashable, Sendable {
        /// Refuses to open: for records that must not be lost.
        case refuse
        /// Cuts the log there: for records that can be.
        case cut
    }

    /// The file.
    public let path: String
    /// Bytes that were cut off at opening; 0 after an orderly end.
    public let cutByteCount: Int

    private let file: any OpenFile
    private let state: Mutex<State>

    private struct State {
        /// Where each record ends.
        var ends: [Int]
        /// Why nothing is written any more.
        var failure: String?
        var byteCount: Int { ends.last ?? 0 }
    }

    /// Opens the log, or begins one.
    ///
    /// - Parameters:
    ///   - path: the file; its folder must be there.
    ///   - middleDamage: what to do about damage that sound records follow.
    ///   - visit: is given every record in order, with its number from 0.
    /// - Throws: `StorageError.damaged` naming the line; what `visit` throws.
    public init(
        path: String, middleDamage: MiddleDamage = .refuse,
        fileSystem: any FileSystem = LocalFileSystem(),
        visit: (Int, JSONValue) throws(StorageError) -> Void = { _, _ throws(StorageError) in }
    ) throws(StorageError) {
        let isNew = !fileSystem.exists(path)
        file = try fileSystem.open(path, .append)
        self.path = path
        if isNew {
            try file.synchronize()
            try fileSystem.synchronizeDirectory(folder(of: path))
        }
        let scan = try LogScan(file, path, visit)
        if middleDamage == .refuse { try scan.refuseMiddleDamage() }
        let end = scan.ends.last ?? 0
        cutByteCount = scan.byteCount - end
        if cutByteCount > 0 {
            try file.truncate(to: end)
            try file.synchronize()
        }
        state = Mutex(State(ends: scan.ends))
    }

    /// The number of records.
    public var count: Int { state.withLock { $0.ends.count } }

    /// Appends a record; returns when it is durable.
    ///
    /// - Parameters:
    ///   - record: an object with members, none of them called `crc`.
    ///   - durably: false leaves the writing to the system, until `synchronize()`.
    /// - Throws: after a failed write the log is as before; after a failed synchronisation nobody
    ///   knows what the disk holds, and every further call throws `StorageError.broken`.
    public func append(_ record: JSONValue, durably: Bool = true) throws(StorageError) {
        try append([record], durably: durably)
    }

    /// Appends records together; as for one.
    public func append(_ records: [JSONValue], durably: Bool = true) throws(StorageError) {
        try change { state throws(StorageError) in
            var bytes: [UInt8] = []
            var ends = state.ends
            for record in records {
                let line = SealedJSON.seal(record, .line)
                precondition(line.count <= AppendOnlyLog.recordBytesMax, "a record too long")
                bytes += line
                ends.append(state.byteCount + bytes.count)
            }
            do throws(StorageError) {
                try file.write(bytes)
            } catch {
                try undoWrite(&state, cause: error)
                throw error
            }
            if durably { try synchronizeData(&state) }
            state.ends = ends
        }
    }

    /// Makes everything that was appended durable.
    public func synchronize() throws(StorageError) {
        try change { state throws(StorageError) in try synchronizeData(&state) }
    }

    /// Forgets all records after the first `count`, durably.
    public func truncate(after count: Int) throws(StorageError) {
        try change { state throws(StorageError) in
            precondition((0...state.ends.count).contains(count), "\(path): no \(count) records")
            let end = count == 0 ? 0 : state.ends[count - 1]
            do throws(StorageError) {
                try file.truncate(to: end)
                try file.synchronize()
            } catch {
                state.failure = "\(error)"
                throw error
            }
            state.ends.removeSubrange(count...)
        }
    }

    /// Reads the sound records of a log that another process may be writing, changing nothing.
    ///
    /// - Returns: the number of records; reading ends at the first line that is not whole.
    @discardableResult
    public static func read(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem(),
        visit: (Int, JSONValue) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let file = try fileSystem.open(path, .read)
        let scan = try LogScan(file, path, visit)
        try file.close()
        return scan.ends.count
    }

    private func change(
        _ body: (inout State) throws(StorageError) -> Void
    ) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            if let failure = state.failure { throw .broken(path: path, reason: failure) }
            try body(&state)
        }
    }

    private func undoWrite(_ state: inout State, cause: StorageError) throws(StorageError) {
        do throws(StorageError) {
            try file.truncate(to: state.byteCount)
        } catch {
            state.failure = "\(cause), and its beginning could not be cut off"
        }
    }

    private func synchronizeData(_ state: inout State) throws(StorageError) {
        do throws(StorageError) {
            try file.synchronizeData()
        } catch {
            state.failure = "\(error)"
            throw error
        }
    }
}

/// One pass over a log: where sound records end, and whether sound ones follow a bad line.
private struct LogScan {
    /// Ends of the records before the first bad line.
    private(set) var ends: [Int] = []
    /// The file's size.
    private(set) var byteCount = 0
    private let path: String
    private var badLine: Int?
    private var badReason = ""
    private var lineAfterBad: Int?

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

    func refuseMiddleDamage() throws(StorageError) {
        guard let badLine, let lineAfterBad else { return }
        throw .damaged(
            path: path,
            reason: "line \(badLine) \(badReason), and line \(lineAfterBad) is sound: "
                + "no crash does that; restore the file from a copy")
    }
}
