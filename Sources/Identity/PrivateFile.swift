import Glibc

/// Files that only their owner may read.
public enum PrivateFile {
    /// Why a file could not be written or read.
    public enum Problem: Error, Hashable, Sendable {
        /// There is one already.
        case exists
        /// There is none.
        case missing
        /// Others than its owner may read it.
        case readableByOthers
        /// It is larger than such a file can be.
        case tooLarge
        /// The system says so.
        case system(String)
    }

    /// Keys and certificates have a few kilobytes.
    private static let byteCountMax = 1 << 20

    /// Makes a file with this text, on disk when it returns; never overwrites one.
    ///
    /// - Parameter isSecret: whether only the owner may read it (mode 0600, else 0644).
    public static func create(
        _ path: String, _ text: String, isSecret: Bool
    ) throws(Problem) {
        let descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
        guard descriptor >= 0 else {
            throw errno == EEXIST ? .exists : .system(lastProblem())
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let rest = Array(bytes[done...])
            let count = unsafe write(descriptor, rest, rest.count)
            guard count > 0 else { throw .system(lastProblem()) }
            done += count
        }
        guard fsync(descriptor) == 0 else { throw .system(lastProblem()) }
    }

    /// The text of a file.
    ///
    /// - Parameter isSecret: whether to refuse one that others than its owner may read.
    public static func read(_ path: String, isSecret: Bool) throws(Problem) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .missing : .system(lastProblem())
        }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .system(lastProblem()) }
        guard !isSecret || facts.st_mode & 0o077 == 0 else { throw .readableByOthers }
        guard facts.st_size <= byteCountMax else { throw .tooLarge }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= byteCountMax {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw .system(lastProblem()) }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Makes a directory that only its owner may enter (mode 0700).
    public static func makeDirectory(_ path: String) throws(Problem) {
        guard unsafe mkdir(path, 0o700) == 0 else {
            throw errno == EEXIST ? .exists : .system(lastProblem())
        }
    }

    private static func lastProblem() -> String {
        let number = errno
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text).lowercased()
    }
}
