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
    /// When this returns all records are durable: what an earlier process wrote
    /// and did not see synchronised is written again. If that synchronisation failed, the system
    /// takes its bytes for written, and another one alone would not move them.
    ///
    /// - Parameters:
    ///   - path: the file; its folder must be there.
    ///   - committedByteCount: what is known to have been on disk, for instance by a checkpoint;
    ///     less than that is damage.
    ///   - middleDamage: what to do about damage that is no crash's doing.
    ///   - visit: is given every record in order, with its number from 0.
    /// - Throws: `StorageError.damaged` naming the line, the file then left as it is; what `visit`
    ///   throws.
    public init(
        path: String, committedByteCount: Int = 0, middleDamage: MiddleDamage = .refuse,
        fileSystem: any FileSystem = LocalFileSystem(),
        visit: (Int, JSONValue) throws(StorageError) -> Void = { _, _ throws(StorageError) in }
    ) throws(StorageError) {
        file = try fileSystem.open(path, .append)
        self.path = path
        let scan = try LogScan(file, path, visit)
        if middleDamage == .refuse {
            try scan.refuseDamage(committedByteCount: committedByteCount)
        }
        let end = scan.soundByteCount
        cutByteCount = scan.byteCount - end
        if cutByteCount > 0 { try file.truncate(to: end) }
        try AppendOnlyLog.writeAgain(file, min(end, committedByteCount)..<end)
        try file.synchronize()
        // Also where the file was there: who made it may have died before its name was on disk.
        try fileSystem.synchronizeDirectory(folder(of: path))
        state = Mutex(State(ends: scan.ends))
    }

    private static func writeAgain(
        _ file: any OpenFile, _ range: Range<Int>
    ) throws(StorageError) {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: transferChunkBytes) {
            let count = min(transferChunkBytes, range.upperBound - start)
            try file.overwrite(at: start, try file.read(at: start, count: count))
        }
    }

    /// The bytes of all records.
    public var byteCount: Int { state.withLock { $0.byteCount } }

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
            // Only the new ones: a copy of them all at every record would cost ever more.
            var ends: [Int] = []
            for record in records {
                let line = SealedJSON.seal(record, .line)
                precondition(line.count <= AppendOnlyLog.recordBytesMax, "a record too long")
                bytes += line
                ends.append(state.byteCount + bytes.count)
            }
            FailPoint.pass("\(fileName(of: path)).append")
            do throws(StorageError) {
                try file.write(bytes)
            } catch {
                try undoWrite(&state, cause: error)
                throw error
            }
            FailPoint.pass("\(fileName(of: path)).sync")
            if durably { try synchronizeData(&state) }
            state.ends += ends
            FailPoint.pass("\(fileName(of: path)).done")
        }
    }

    /// Makes everything that was appended durable; others may append meanwhile.
    public func synchronize() throws(StorageError) {
        try change { _ throws(StorageError) in }
        do throws(StorageError) {
            try file.synchronizeData()
        } catch {
            state.withLock { $0.failure = "\(error)" }
            throw error
        }
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
        try LogScan(path: path, fileSystem: fileSystem, visit: visit).ends.count
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
