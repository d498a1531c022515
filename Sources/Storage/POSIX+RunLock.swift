import Glibc

/// A lock that one process at a time holds on a file, and loses with its life.
///
/// `flock` on a descriptor that programs started from here do not get, or a worker would keep it
/// after the coordinator's death. The file's text, host and process, is for messages only.
public final class RunLock: Sendable {
    /// The lock file.
    public let path: String
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: `StorageError.locked` with the holder's text if somebody has it.
    public init(path: String) throws(StorageError) {
        let descriptor = try openDescriptor(path, O_RDWR | O_CREAT)
        guard retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
            let code = errno
            let text = readHolder(descriptor)
            _ = Glibc.close(descriptor)  // nothing was written
            guard code == EWOULDBLOCK else { throw failure("lock", path, code) }
            throw .locked(path: path, holder: text)
        }
        self.path = path
        self.descriptor = descriptor
        let text = Array("host \(hostName()), process \(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0,
            unsafe pwrite(descriptor, text, text.count, 0) == text.count
        else { throw failure("write", path, errno) }
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Who has the lock of this path, or had it last, without taking it; nil if nobody ever had.
    ///
    /// - Throws: `StorageError` if the file cannot be read.
    public static func holder(
        path: String
    ) throws(StorageError) -> (text: String, isHeld: Bool)? {
        guard LocalFileSystem().exists(path) else { return nil }
        let descriptor = try openDescriptor(path, O_RDONLY)
        defer { _ = Glibc.close(descriptor) }
        // Shared and given back at once; a coordinator that starts in this very instant is refused.
        let isHeld = retrying({ flock(descriptor, LOCK_SH | LOCK_NB) }) != 0
        return (readHolder(descriptor), isHeld)
    }
}

private func readHolder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    let line = text.prefix { $0 != "\n" }
    return line.isEmpty ? "another process" : String(line)
}

private func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
