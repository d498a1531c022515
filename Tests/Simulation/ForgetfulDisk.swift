import Storage

/// A disk whose synchronisation does nothing, as if the calls had been left out.
struct ForgetfulDisk: FileSystem {
    /// The disk that it stands on.
    let disk: SimulatedDisk
    /// What is left out.
    let flaw: ShellFlaw

    func createDirectory(_ path: String) throws(StorageError) { try disk.createDirectory(path) }
    func list(_ path: String) throws(StorageError) -> [String] { try disk.list(path) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try disk.rename(path, to: newPath)
    }
    func removeFile(_ path: String) throws(StorageError) { try disk.removeFile(path) }
    func removeDirectory(_ path: String) throws(StorageError) { try disk.removeDirectory(path) }
    func freeByteCount(_ path: String) throws(StorageError) -> Int {
        try disk.freeByteCount(path)
    }
    func synchronizeDirectory(_ path: String) throws(StorageError) {
        if flaw != .foldersNotSynchronized { try disk.synchronizeDirectory(path) }
    }
    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any OpenFile {
        let file = try disk.open(path, mode)
        return flaw == .renamedBeforeSynchronized ? ForgetfulFile(file: file) : file
    }
}

/// A file whose `synchronize` does nothing.
private final class ForgetfulFile: OpenFile {
    private let file: any OpenFile

    init(file: any OpenFile) { self.file = file }

    func byteCount() throws(StorageError) -> Int { try file.byteCount() }
    func write(_ bytes: RawSpan) throws(StorageError) { try file.write(bytes) }
    func overwrite(at offset: Int, _ bytes: RawSpan) throws(StorageError) {
        try file.overwrite(at: offset, bytes)
    }
    func read(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        try file.read(at: offset, count: count)
    }
    func read(at offset: Int, into bytes: inout MutableRawSpan) throws(StorageError) {
        try file.read(at: offset, into: &bytes)
    }
    func truncate(to byteCount: Int) throws(StorageError) { try file.truncate(to: byteCount) }
    func synchronizeData() throws(StorageError) { try file.synchronizeData() }
    func synchronize() throws(StorageError) {}
    func close() throws(StorageError) { try file.close() }
}
