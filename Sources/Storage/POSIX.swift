import Buffers
import Glibc
import Synchronization

/// The computer's own file system, by the calls of POSIX: the only calls to it in `Storage`.
@safe
public struct LocalFileSystem: FileSystem {
    /// The file system.
    public init() {}

    /// Makes a folder; fine if it is there already.
    public func createDirectory(_ path: String) throws(StorageError) {
        guard unsafe mkdir(path, 0o777) != 0 else { return }
        let code = errno
        var status = stat()
        if code == EEXIST, unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            return
        }
        throw failure("make the folder", path, code)
    }

    /// The names in a folder, sorted by their bytes.
    public func list(_ path: String) throws(StorageError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            throw failure("list the folder", path, errno)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(directory) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        let code = errno
        guard code == 0 else { throw failure("list the folder", path, code) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether something has this path.
    public func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    /// Opens a file; its descriptor is closed in programs that this one starts.
    public func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .create: O_RDWR | O_CREAT | O_TRUNC
            case .append: O_RDWR | O_CREAT
            }
        return LocalFile(try openDescriptor(path, flags), path: path)
    }

    /// Gives a file or folder another name, in place of a file of that name.
    public func rename(_ path: String, to newPath: String) throws(StorageError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else {
            throw failure("rename to \(newPath)", path, errno)
        }
    }

    /// Removes a file.
    public func removeFile(_ path: String) throws(StorageError) {
        guard unsafe unlink(path) == 0 else { throw failure("remove", path, errno) }
    }

    /// Removes an empty folder.
    public func removeDirectory(_ path: String) throws(StorageError) {
        guard unsafe rmdir(path) == 0 else { throw failure("remove the folder", path, errno) }
    }

    /// Makes the names in a folder durable.
    public func synchronizeDirectory(_ path: String) throws(StorageError) {
        let descriptor = try openDescriptor(path, O_RDONLY | O_DIRECTORY)
        let status = retrying { fsync(descriptor) }
        let code = errno
        _ = Glibc.close(descriptor)  // opened for reading: closing it loses nothing
        guard status == 0 else { throw failure("synchronise the folder", path, code) }
    }

    /// Bytes that may still be written to the disk of `path`.
    public func freeByteCount(_ path: String) throws(StorageError) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else {
            throw failure("ask for the free space", path, errno)
        }
        let (bytes, overflow) = UInt(status.f_bavail)
            .multipliedReportingOverflow(by: UInt(status.f_frsize))
        return overflow ? Int.max : Int(clamping: bytes)
    }
}

/// An open file of the computer's own file system.
private final class LocalFile: OpenFile {
    /// The descriptor; nil once closed.
    private let descriptor: Mutex<Int32?>
    private let path: String

    init(_ descriptor: Int32, path: String) {
        self.descriptor = Mutex(descriptor)
        self.path = path
    }

    deinit {
        // Nobody can be told any more; owners that care about the answer call `close()`.
        if let open = descriptor.withLock({ $0 }) { _ = Glibc.close(open) }
    }

    func byteCount() throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstat(try open(), &status) == 0 else {
            throw failure("ask for the size", path, errno)
        }
        return Int(status.st_size)
    }

    func write(_ bytes: RawSpan) throws(StorageError) {
        // A file has one writer, its opener, so that the end is where it was last seen.
        try overwrite(at: try byteCount(), bytes)
    }

    func overwrite(at offset: Int, _ bytes: RawSpan) throws(StorageError) {
        let descriptor = try open()
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(done..<bytes.byteCount)
            let position = off_t(offset + done)
            let count = unsafe rest.withUnsafeBytes { buffer in
                retrying {
                    unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, position)
                }
            }
            guard count > 0 else { throw failure("write", path, count == 0 ? ENOSPC : errno) }
            done += count
        }
    }

    func read(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        let descriptor = try open()
        var code: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 0)) {
            buffer, initialized in
            let filled = unsafe fill(UnsafeMutableRawBufferPointer(buffer), descriptor, offset)
            (initialized, code) = filled
        }
        guard code == 0 else { throw failure("read", path, code) }
        return bytes
    }

    func read(at offset: Int, into bytes: inout MutableRawSpan) throws(StorageError) {
        let descriptor = try open()
        let wanted = bytes.byteCount
        let (count, code) = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe fill(buffer, descriptor, offset)
        }
        guard code == 0 else { throw failure("read", path, code) }
        guard count == wanted else {
            throw .damaged(path: path, reason: "ends \(wanted - count) bytes early")
        }
    }

    func fetchAhead(at offset: Int, count: Int) {
        // Advice: whoever gets none reads all the same.
        guard let open = descriptor.withLock({ $0 }) else { return }
        _ = posix_fadvise(open, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
    }

    func mapped() throws(StorageError) -> AlignedBuffer {
        let buffer = AlignedBuffer.mapping(
            descriptor: try open(), byteCount: try byteCount())
        guard let buffer else { throw failure("map into memory", path, errno) }
        return buffer
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        let descriptor = try open()
        guard retrying({ ftruncate(descriptor, off_t(byteCount)) }) == 0 else {
            throw failure("cut", path, errno)
        }
    }

    func synchronizeData() throws(StorageError) {
        let descriptor = try open()
        guard retrying({ fdatasync(descriptor) }) == 0 else {
            throw failure("synchronise", path, errno)
        }
    }

    func synchronize() throws(StorageError) {
        let descriptor = try open()
        guard retrying({ fsync(descriptor) }) == 0 else {
            throw failure("synchronise", path, errno)
        }
    }

    func close() throws(StorageError) {
        let closing = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        // A descriptor is gone even if close is interrupted; closing it again could hit another's.
        guard let closing, Glibc.close(closing) != 0, errno != EINTR else { return }
        throw failure("close", path, errno)
    }

    private func open() throws(StorageError) -> Int32 {
        guard let open = descriptor.withLock({ $0 }) else {
            throw .broken(path: path, reason: "the file is closed")
        }
        return open
    }
}

/// Reads until `buffer` is full or the file ends; gives the count and an errno.
private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ descriptor: Int32, _ offset: Int
) -> (count: Int, code: Int32) {
    var done = 0
    while done < buffer.count {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        let count = retrying {
            unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
        }
        guard count >= 0 else { return (done, errno) }
        guard count > 0 else { break }
        done += count
    }
    return (done, 0)
}

func openDescriptor(_ path: String, _ flags: Int32) throws(StorageError) -> Int32 {
    guard !path.utf8.contains(0) else {
        throw .malformed(path: path, reason: "a path with a zero byte")
    }
    let descriptor = retrying { unsafe Glibc.open(path, flags | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw failure("open", path, errno) }
    return descriptor
}

/// Processors that this process may use.
let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

/// Repeats a call that a signal has interrupted.
func retrying<Count: SignedInteger>(_ call: () -> Count) -> Count {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

func failure(_ operation: String, _ path: String, _ code: Int32) -> StorageError {
    switch code {
    case ENOSPC, EDQUOT: .diskFull(operation: operation, path: path)
    case ENOENT: .missing(path: path)
    case EFBIG:
        .system(
            operation: operation, path: path, code: code,
            text: "the limit on file sizes is reached; raise it (ulimit -f) and start again, "
                + "what was committed before is intact")
    default:
        .system(
            operation: operation, path: path, code: code,
            text: unsafe String(cString: strerror(code)))
    }
}

/// The error numbers that other files of this target must tell apart.
enum SystemCode {
    static let inputOutput = EIO
    static let noSpace = ENOSPC
    static let notADirectory = ENOTDIR
    static let isADirectory = EISDIR
    static let notEmpty = ENOTEMPTY
    static let exists = EEXIST
}

/// Adds the bytes of an array to a file; here because an array's raw view is an unsafe one.
func writeBytes(_ bytes: [UInt8], to file: any OpenFile) throws(StorageError) {
    try unsafe file.write(bytes.span.bytes)
}

/// Sums the bytes of an array; here for the same reason.
func addBytes(_ bytes: [UInt8], to summer: inout BlockSummer) {
    unsafe summer.add(bytes.span.bytes)
}

/// Writes the bytes of an array in place of others; here for the same reason.
func overwriteBytes(
    _ bytes: [UInt8], at offset: Int, of file: any OpenFile
) throws(StorageError) {
    try unsafe file.overwrite(at: offset, bytes.span.bytes)
}

extension RawSpan {
    /// The little-endian integer at `offset`, at any alignment; bounds are checked.
    func littleEndian<I: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: I.Type) -> I
    {
        I(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// A copy of these bytes.
    func copied() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}

/// Copies `bytes` to the beginning of `buffer`, which must have room for them.
func copyBytes(from bytes: RawSpan, to buffer: AlignedBuffer) {
    precondition(
        bytes.byteCount <= buffer.byteCount, "\(bytes.byteCount) bytes to \(buffer.byteCount)")
    unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.withUnsafeMutableBytes { target in
            unsafe target.copyMemory(from: source)
        }
    }
}
