import Glibc
import Synchronization

/// Named moments at which a test can have its process killed, or do wrong.
///
/// `PLEIAD_FAILPOINT=NAME:N` in the environment, for tests alone: when the process reaches the
/// moment of this name for the Nth time it sends itself SIGKILL, or computes wrong bits
/// (`WorkerCore`). Unset, a moment costs one load.
public enum FailPoint {
    /// The moments of a file that is written beside and put in place, after the file's name:
    /// before it is begun, before it is synchronised, before it is renamed, before its folder is
    /// synchronised, after that.
    public static let fileMoments = ["write", "sync", "rename", "dirsync", "done"]
    /// The moments of a record that is appended, after the log's name: before it is written,
    /// before it is synchronised, after that (or at once where nobody waits for the disk).
    public static let logMoments = ["append", "sync", "done"]
    /// The moments of a checkpoint, after `checkpoint`: before each of its files is begun and
    /// before it is synchronised, before the manifest, before the folder is renamed, before the
    /// folder around it is synchronised, after that, and when an old one is half removed.
    public static let checkpointMoments = [
        "write", "sync", "manifest", "rename", "dirsync", "done", "prune",
    ]

    private static let armed = Armed()

    /// Passes a moment, or dies in it.
    static func pass(_ name: @autoclosure () -> String) {
        if isTime(name()) { die() }
    }

    /// Whether this is the moment at which the process is to do wrong.
    public static func isTime(_ name: @autoclosure () -> String) -> Bool {
        armed?.isTime(name()) ?? false
    }

    /// Dies as a killed process does.
    public static func die() { _ = kill(getpid(), SIGKILL) }

    private final class Armed: Sendable {
        let name: String
        let left: Mutex<Int>

        /// Nil if the environment names no moment.
        init?() {
            guard let text = unsafe getenv("PLEIAD_FAILPOINT") else { return nil }
            let parts = unsafe String(cString: text).split(separator: ":")
            guard parts.count == 2, let count = Int(parts[1]), count > 0 else { return nil }
            name = String(parts[0])
            left = Mutex(count)
        }

        func isTime(_ reached: String) -> Bool {
            guard reached == name else { return false }
            return left.withLock { left in
                left -= 1
                return left == 0
            }
        }
    }
}

/// Lets a write beyond the limit on file sizes (`ulimit -f`) fail like any other, where by default
/// a signal ends the process without a word.
public func ignoreFileSizeSignal() {
    _ = signal(SIGXFSZ, SIG_IGN)
}

/// The last part of a path: what a file is called in fail points.
func fileName(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
}
