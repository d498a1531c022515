public import Buffers

/// The operations on files that `Storage` is made of, so that a simulated disk can stand in.
///
/// Nothing is durable before it was synchronised: the bytes of a file by the file, its name by the
/// folder that holds it.
public protocol FileSystem: Sendable {
    /// Makes a folder; fine if it is there already.
    func createDirectory(_ path: String) throws(StorageError)
    /// The names in a folder, sorted by their bytes.
    func list(_ path: String) throws(StorageError) -> [String]
    /// Whether something has this path.
    func exists(_ path: String) -> Bool
    /// Opens a file.
    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any OpenFile
    /// Gives a file or folder another name, in place of a file of that name.
    func rename(_ path: String, to newPath: String) throws(StorageError)
    /// Removes a file.
    func removeFile(_ path: String) throws(StorageError)
    /// Removes an empty folder.
    func removeDirectory(_ path: String) throws(StorageError)
    /// Makes the names in a folder durable.
    func synchronizeDirectory(_ path: String) throws(StorageError)
    /// Bytes that may still be written to the disk of `path`.
    func freeByteCount(_ path: String) throws(StorageError) -> Int
}

/// What a file is opened for.
public enum OpenMode: Hashable, Sendable {
    /// To be read; it must be there.
    case read
    /// To be written from nothing; what was there is gone.
    case create
    /// To be read and extended at its end; made if it is not there.
    case append
}

/// An open file, which its owner closes; one that is let go is closed too.
public protocol OpenFile: AnyObject, Sendable {
    /// The file's size.
    func byteCount() throws(StorageError) -> Int
    /// Adds all of `bytes` at the end.
    func write(_ bytes: RawSpan) throws(StorageError)
    /// Writes `bytes` in place of those at `offset`; the file must be long enough.
    func overwrite(at offset: Int, _ bytes: RawSpan) throws(StorageError)
    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: Int, count: Int) throws(StorageError) -> [UInt8]
    /// Fills `bytes` from the file at `offset`; the file must be long enough.
    func read(at offset: Int, into bytes: inout MutableRawSpan) throws(StorageError)
    /// Has the system begin to fetch these bytes, which will be read soon.
    func fetchAhead(at offset: Int, count: Int)
    /// The whole file as memory: mapped where the system can, so that bytes are read when touched.
    ///
    /// Whoever maps a file sees to it that nobody cuts it meanwhile.
    func mapped() throws(StorageError) -> AlignedBuffer
    /// Cuts the file to `byteCount`.
    func truncate(to byteCount: Int) throws(StorageError)
    /// Makes bytes and size durable (fdatasync).
    func synchronizeData() throws(StorageError)
    /// Makes the whole file durable (fsync).
    func synchronize() throws(StorageError)
    /// Closes the file; a second time does nothing.
    func close() throws(StorageError)
}

/// Bytes that are moved between file and memory at a time.
let transferChunkBytes = 1 << 20

extension OpenFile {
    /// Adds all of `bytes` at the end.
    public func write(_ bytes: [UInt8]) throws(StorageError) {
        try writeBytes(bytes, to: self)
    }

    /// Writes `bytes` in place of those at `offset`; the file must be long enough.
    public func overwrite(at offset: Int, _ bytes: [UInt8]) throws(StorageError) {
        try overwriteBytes(bytes, at: offset, of: self)
    }

    /// A copy of the whole file in memory.
    public func contents() throws(StorageError) -> AlignedBuffer {
        let buffer = AlignedBuffer(uninitializedByteCount: try byteCount())
        var bytes = buffer.mutableBytes
        try read(at: 0, into: &bytes)
        return buffer
    }

    /// Nothing is fetched ahead.
    public func fetchAhead(at offset: Int, count: Int) {}

    /// Files that cannot be mapped are read.
    public func mapped() throws(StorageError) -> AlignedBuffer { try contents() }
}

extension FileSystem {
    /// The bytes of a small file.
    ///
    /// - Throws: `StorageError.malformed` if it is longer than `limit`.
    public func readFile(_ path: String, upTo limit: Int) throws(StorageError) -> [UInt8] {
        let file = try open(path, .read)
        let byteCount = try file.byteCount()
        guard byteCount <= limit else {
            throw .malformed(
                path: path, reason: "has \(byteCount) bytes, at most \(limit) expected")
        }
        let bytes = try file.read(at: 0, count: byteCount)
        try file.close()
        return bytes
    }

    /// Writes a file so that after a crash either the old or the new content is there.
    ///
    /// Beside it, synchronised, closed, renamed, and the folder synchronised.
    public func writeFileDurably(_ path: String, _ bytes: [UInt8]) throws(StorageError) {
        try writeDurably(path, self) { sink throws(StorageError) in try sink.write(bytes) }
    }

    /// Size, SHA-256 and checksums of the blocks of a file, read a chunk at a time.
    public func sums(of path: String) throws(StorageError) -> CheckpointFile {
        try sumsOfFile(path, self)
    }

    /// Makes a folder, and those around it that are missing, and their names durable.
    public func createDirectoryDurably(_ path: String) throws(StorageError) {
        let parent = folder(of: path)
        guard !exists(path) else {
            // Who made it may have died before its name was on disk. A folder around it that
            // cannot be opened is somebody else's, and so was this one.
            try? synchronizeDirectory(parent)
            return
        }
        if parent != "/", parent != "." { try createDirectoryDurably(parent) }
        try createDirectory(path)
        try synchronizeDirectory(parent)
    }

    /// Removes a folder with the files in it.
    func removeTree(_ path: String) throws(StorageError) {
        for name in try list(path) { try removeFile("\(path)/\(name)") }
        try removeDirectory(path)
    }
}

/// The folder that holds `path`.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
