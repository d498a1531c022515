import Synchronization

/// A disk in memory that loses what was not synchronised when its power is cut.
///
/// For tests of everything above `FileSystem`. Bytes of a file and names in a folder have a durable
/// and a current state; `restart` decides by a seed, for every 512 or 4096 bytes of a file and for
/// every change of a folder, which of both has survived. Operations can be made to fail: all from
/// the Nth on (a power cut), or the Nth alone (an I/O error), or writes when the disk is full.
public final class SimulatedDisk: FileSystem {
    /// What survives of that which was not synchronised.
    public enum Survival: Hashable, Sendable {
        /// Nothing.
        case nothing
        /// Everything: a crash of the program, not of the computer.
        case everything
        /// Blocks of this size and folder changes drawn by a seed.
        case drawn(seed: UInt64, blockBytes: Int)
    }

    private let state: Mutex<DiskState>

    /// An empty disk.
    ///
    /// - Parameter capacity: bytes that all files together can hold.
    public init(capacity: Int = .max) {
        state = Mutex(DiskState(capacity: capacity))
    }

    private init(_ state: DiskState) {
        self.state = Mutex(state)
    }

    /// Operations so far that change or synchronise something.
    public var operationCount: Int { state.withLock { $0.operationCount } }

    /// Cuts the power in place of the operation of this number, counted from 0.
    public func cutPower(at operation: Int) {
        state.withLock { $0.powerCutAt = operation }
    }

    /// Lets the operation of this number, counted from 0, fail: with an I/O error, or because the
    /// disk is full.
    ///
    /// A synchronisation that fails leaves the bytes for clean that it should have written, as
    /// Linux does: a later one does not move them, unless they are written again.
    public func failOperation(_ operation: Int, diskFull: Bool = false) {
        state.withLock {
            $0.failureAt = operation
            $0.failureCode = diskFull ? SystemCode.noSpace : SystemCode.inputOutput
        }
    }

    /// Sets the bytes that all files together can hold.
    public func setCapacity(_ capacity: Int) {
        state.withLock { $0.capacity = capacity }
    }

    /// The disk as it is found after the power came back.
    public func restart(_ survival: Survival) -> SimulatedDisk {
        SimulatedDisk(state.withLock { $0.survivors(survival) })
    }

    /// Changes one byte of a file behind everybody's back.
    public func flip(_ path: String, at offset: Int, mask: UInt8) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let file = try state.file(path)
            guard var bytes = state.files[file]?.current else { return }
            bytes[offset] ^= mask
            state.files[file] = DiskFile(current: bytes, durable: bytes)
        }
    }

    /// The names of all files below `path`, sorted.
    public func allFiles(_ path: String) throws(StorageError) -> [String] {
        var found: [String] = []
        for name in try list(path) {
            let below = "\(path)/\(name)"
            if (try? list(below)) != nil {  // a folder; a file cannot be listed
                found += try allFiles(below)
            } else {
                found.append(below)
            }
        }
        return found
    }

    /// Makes a folder; fine if it is there already.
    public func createDirectory(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in try state.createDirectory(path) }
    }

    /// The names in a folder, sorted by their bytes.
    public func list(_ path: String) throws(StorageError) -> [String] {
        try state.withLock { state throws(StorageError) in
            let folder = try state.folder(path)
            return state.folders[folder]?.current.keys.sorted {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            } ?? []
        }
    }

    /// Whether something has this path.
    public func exists(_ path: String) -> Bool {
        state.withLock { $0.node(path) != nil }
    }

    /// Opens a file.
    public func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any OpenFile {
        let id = try state.withLock { state throws(StorageError) in try state.open(path, mode) }
        return SimulatedFile(disk: self, id: id, path: path)
    }

    /// Gives a file or folder another name, in place of a file of that name.
    public func rename(_ path: String, to newPath: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in try state.rename(path, to: newPath) }
    }

    /// Removes a file.
    public func removeFile(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            _ = try state.file(path)
            try state.countOperation("remove", path)
            try state.change(path, to: nil)
        }
    }

    /// Removes an empty folder.
    public func removeDirectory(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let id = try state.folder(path)
            guard state.folders[id]?.current.isEmpty == true else {
                throw DiskState.failure("remove the folder", path, SystemCode.notEmpty)
            }
            try state.countOperation("remove the folder", path)
            try state.change(path, to: nil)
        }
    }

    /// Makes the names in a folder durable.
    public func synchronizeDirectory(_ path: String) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            let id = try state.folder(path)
            try state.countOperation("synchronise the folder", path)
            state.folders[id]?.synchronize()
        }
    }

    /// Bytes that may still be written.
    public func freeByteCount(_ path: String) throws(StorageError) -> Int {
        state.withLock { $0.capacity - $0.usedByteCount }
    }

    fileprivate func withFile<Answer>(
        _ id: Int, operation: String?, path: String,
        _ body: (inout DiskFile, _ freeByteCount: Int) throws(StorageError) -> Answer
    ) throws(StorageError) -> Answer {
        try state.withLock { state throws(StorageError) in
            if let operation { try state.countOperation(operation, path) }
            let free = state.capacity - state.usedByteCount
            guard var file = state.files[id] else { throw .missing(path: path) }
            state.files[id] = nil  // so that its bytes are not copied when they change
            defer { state.files[id] = file }
            return try body(&file, free)
        }
    }
}

/// An open file of a simulated disk.
private final class SimulatedFile: OpenFile {
    private let disk: SimulatedDisk
    private let id: Int
    private let path: String

    init(disk: SimulatedDisk, id: Int, path: String) {
        (self.disk, self.id, self.path) = (disk, id, path)
    }

    func byteCount() throws(StorageError) -> Int {
        try disk.withFile(id, operation: nil, path: path) { file, _ in file.current.count }
    }

    func write(_ bytes: RawSpan) throws(StorageError) {
        let bytes = bytes.copied()
        let path = path
        try disk.withFile(id, operation: "write", path: path) { file, free throws(StorageError) in
            // As on a real disk, what fits is written before the error.
            file.write(bytes.prefix(max(free, 0)), at: file.current.count)
            guard bytes.count <= free else { throw .diskFull(operation: "write", path: path) }
        }
    }

    func overwrite(at offset: Int, _ bytes: RawSpan) throws(StorageError) {
        let bytes = bytes.copied()
        try disk.withFile(id, operation: "write", path: path) { file, _ in
            file.write(bytes, at: offset)
        }
    }

    func read(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        try disk.withFile(id, operation: nil, path: path) { file, _ in
            Array(file.current.dropFirst(offset).prefix(count))
        }
    }

    func read(at offset: Int, into bytes: inout MutableRawSpan) throws(StorageError) {
        let source = try read(at: offset, count: bytes.byteCount)
        guard source.count == bytes.byteCount else {
            throw .damaged(path: path, reason: "ends early")
        }
        for index in source.indices {
            bytes.storeBytes(of: source[index], toByteOffset: index, as: UInt8.self)
        }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try disk.withFile(id, operation: "cut", path: path) { file, _ in
            file.truncate(to: byteCount)
        }
    }

    func synchronizeData() throws(StorageError) { try synchronize() }

    func synchronize() throws(StorageError) {
        do {
            try disk.withFile(id, operation: "synchronise", path: path) { file, _ in
                file.synchronize()
            }
        } catch {
            try disk.withFile(id, operation: nil, path: path) { file, _ in
                file.failToSynchronize()
            }
            throw error
        }
    }

    func close() throws(StorageError) {}
}
