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

    /// Lets the operation of this number, counted from 0, fail with an I/O error.
    public func failOperation(_ operation: Int) {
        state.withLock { $0.failureAt = operation }
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

/// A file's bytes as the programs see them, and as the disk holds them.
private struct DiskFile {
    var current: [UInt8] = []
    var durable: [UInt8] = []
}

/// What a name stands for.
private enum DiskNode: Hashable {
    case file(Int)
    case folder(Int)
}

/// A folder's names as the programs see them, as the disk holds them, and the changes between.
private struct DiskFolder {
    var current: [String: DiskNode] = [:]
    var durable: [String: DiskNode] = [:]
    var pending: [[String: DiskNode?]] = []

    mutating func synchronize() {
        durable = current
        pending = []
    }
}

private struct DiskState {
    var files: [Int: DiskFile] = [:]
    var folders: [Int: DiskFolder] = [0: DiskFolder()]
    var nextID = 1
    var capacity: Int
    var operationCount = 0
    var powerCutAt = Int.max
    var failureAt = Int.max

    init(capacity: Int) { self.capacity = capacity }

    var usedByteCount: Int { files.values.reduce(0) { $0 + $1.current.count } }

    static func failure(_ operation: String, _ path: String, _ code: Int32) -> StorageError {
        .system(operation: operation, path: path, code: code, text: "simulated error \(code)")
    }

    mutating func countOperation(_ name: String, _ path: String) throws(StorageError) {
        let number = operationCount
        operationCount += 1
        guard number < powerCutAt, number != failureAt else {
            throw DiskState.failure(name, path, SystemCode.inputOutput)
        }
    }

    private func parts(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    func node(_ path: String) -> DiskNode? {
        var node = DiskNode.folder(0)
        for part in parts(path) {
            guard case .folder(let id) = node, let next = folders[id]?.current[part] else {
                return nil
            }
            node = next
        }
        return node
    }

    func file(_ path: String) throws(StorageError) -> Int {
        switch node(path) {
        case .file(let id)?: return id
        case .folder?: throw DiskState.failure("open", path, SystemCode.isADirectory)
        case nil: throw .missing(path: path)
        }
    }

    func folder(_ path: String) throws(StorageError) -> Int {
        switch node(path) {
        case .folder(let id)?: return id
        case .file?: throw DiskState.failure("open", path, SystemCode.notADirectory)
        case nil: throw .missing(path: path)
        }
    }

    /// The folder that holds a path, and the path's last name.
    private func place(_ path: String) throws(StorageError) -> (folder: Int, name: String) {
        var parts = parts(path)
        guard let name = parts.popLast() else { throw .missing(path: path) }
        return (try folder(parts.joined(separator: "/")), name)
    }

    /// Lets a name stand for a node, or for nothing.
    mutating func change(_ path: String, to node: DiskNode?) throws(StorageError) {
        let (folder, name) = try place(path)
        folders[folder]?.current[name] = node
        folders[folder]?.pending.append([name: node])
    }

    mutating func createDirectory(_ path: String) throws(StorageError) {
        if case .folder? = node(path) { return }
        _ = try place(path)
        try countOperation("make the folder", path)
        folders[nextID] = DiskFolder()
        try change(path, to: .folder(nextID))
        nextID += 1
    }

    mutating func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> Int {
        if mode == .read { return try file(path) }
        if case .folder? = node(path) { return try file(path) }
        if case .file(let id)? = node(path) {
            guard mode == .create else { return id }
            try countOperation("open", path)
            files[id]?.current = []
            return id
        }
        _ = try place(path)
        try countOperation("open", path)
        let id = nextID
        nextID += 1
        files[id] = DiskFile()
        try change(path, to: .file(id))
        return id
    }

    mutating func rename(_ path: String, to newPath: String) throws(StorageError) {
        guard let moved = node(path) else { throw .missing(path: path) }
        let (oldFolder, oldName) = try place(path)
        let (newFolder, newName) = try place(newPath)
        if case .folder(let id)? = node(newPath), folders[id]?.current.isEmpty != true {
            throw DiskState.failure("rename", path, SystemCode.notEmpty)
        }
        precondition(oldFolder == newFolder, "the simulated disk renames within a folder")
        try countOperation("rename", path)
        folders[oldFolder]?.current[oldName] = DiskNode?.none
        folders[newFolder]?.current[newName] = moved
        folders[oldFolder]?.pending.append([oldName: nil, newName: moved])
    }

    /// What is left after a power cut.
    func survivors(_ survival: SimulatedDisk.Survival) -> DiskState {
        var next = DiskState(capacity: capacity)
        next.nextID = nextID
        var draw = SplitMix(seed: 0)
        if case .drawn(let seed, _) = survival { draw = SplitMix(seed: seed) }
        for id in folders.keys.sorted() {
            guard let folder = folders[id] else { continue }
            var names = folder.durable
            for change in folder.pending {
                let survives =
                    switch survival {
                    case .nothing: false
                    case .everything: true
                    case .drawn: draw.next() & 1 == 0
                    }
                guard survives else { continue }
                for (name, node) in change { names[name] = node }
            }
            next.folders[id] = DiskFolder(current: names, durable: names)
        }
        for id in files.keys.sorted() {
            guard let file = files[id] else { continue }
            let bytes =
                switch survival {
                case .nothing: file.durable
                case .everything: file.current
                case .drawn(_, let blockBytes): torn(file, blockBytes, &draw)
                }
            next.files[id] = DiskFile(current: bytes, durable: bytes)
        }
        return next
    }

    private func torn(_ file: DiskFile, _ blockBytes: Int, _ draw: inout SplitMix) -> [UInt8] {
        guard file.current != file.durable else { return file.current }
        let size = draw.next() & 1 == 0 ? file.current.count : file.durable.count
        var bytes = [UInt8](repeating: 0, count: size)  // blocks never written read as zeros
        for start in stride(from: 0, to: size, by: blockBytes) {
            let source = draw.next() & 1 == 0 ? file.current : file.durable
            for index in start..<min(start + blockBytes, size) where index < source.count {
                bytes[index] = source[index]
            }
        }
        return bytes
    }
}

/// A small generator for the choices of a power cut (SplitMix64).
private struct SplitMix {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
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
            file.current += bytes.prefix(max(free, 0))
            guard bytes.count <= free else { throw .diskFull(operation: "write", path: path) }
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
            let missing = max(byteCount - file.current.count, 0)
            file.current = file.current.prefix(byteCount) + Array(repeating: 0, count: missing)
        }
    }

    func synchronizeData() throws(StorageError) { try synchronize() }

    func synchronize() throws(StorageError) {
        try disk.withFile(id, operation: "synchronise", path: path) { file, _ in
            file.durable = file.current
        }
    }

    func close() throws(StorageError) {}
}
