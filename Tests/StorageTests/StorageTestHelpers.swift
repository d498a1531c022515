import Foundation
import Storage

/// Runs `body` with a new folder, which is removed afterwards.
func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("pleiad-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }  // a leftover harms nobody
    try body(directory.path)
}

/// The error that `body` throws; nil if it throws none.
func storageError(_ body: () throws(StorageError) -> Void) -> StorageError? {
    do throws(StorageError) {
        try body()
        return nil
    } catch {
        return error
    }
}

extension StorageError {
    /// Whether the disk was said to be full, at this path or below.
    func isDiskFull(_ path: String) -> Bool {
        guard case .diskFull(_, let found) = self else { return false }
        return found.hasPrefix(path)
    }
}
