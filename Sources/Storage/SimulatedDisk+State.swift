/// A file's bytes as the programs see them, and as the disk holds them.
struct DiskFile {
    var current: [UInt8] = []
    var durable: [UInt8] = []
    /// Places whose bytes the system takes for written although they are not.
    ///
    /// A synchronisation of theirs has failed, and they were not written again since. Shorter than
    /// the file where nothing of the kind is behind its end; empty as a rule.
    private var forgotten: [Bool] = []

    init(current: [UInt8] = [], durable: [UInt8] = []) {
        (self.current, self.durable) = (current, durable)
    }

    /// Puts bytes at a place at which, or behind which, the file goes on or ends.
    mutating func write(_ bytes: some Collection<UInt8>, at offset: Int) {
        let end = offset + bytes.count
        current.replaceSubrange(offset..<min(end, current.count), with: bytes)
        for place in forgotten.indices.clamped(to: offset..<end) { forgotten[place] = false }
    }

    /// Cuts the file, or fills it up with zeros.
    mutating func truncate(to byteCount: Int) {
        let missing = max(byteCount - current.count, 0)
        current = current.prefix(byteCount) + Array(repeating: 0, count: missing)
        forgotten = Array(forgotten.prefix(byteCount))
    }

    /// Makes what the system knows to be unwritten durable.
    mutating func synchronize() {
        guard forgotten.contains(true) else {
            (durable, forgotten) = (current, [])
            return
        }
        durable = current.indices.map { place in
            guard place < forgotten.count, forgotten[place] else { return current[place] }
            return place < durable.count ? durable[place] : 0
        }
    }

    /// A synchronisation fails: the system drops what was to be written from its mind.
    mutating func failToSynchronize() {
        forgotten = current.indices.map { place in
            (place < forgotten.count && forgotten[place])
                || !(place < durable.count && durable[place] == current[place])
        }
    }
}

/// What a name stands for.
enum DiskNode: Hashable {
    case file(Int)
    case folder(Int)
}

/// A folder's names as the programs see them, as the disk holds them, and the changes between.
struct DiskFolder {
    var current: [String: DiskNode] = [:]
    var durable: [String: DiskNode] = [:]
    var pending: [[String: DiskNode?]] = []

    mutating func synchronize() {
        durable = current
        pending = []
    }
}

/// Files and folders of a simulated disk, and the faults that wait for it.
struct DiskState {
    var files: [Int: DiskFile] = [:]
    var folders: [Int: DiskFolder] = [0: DiskFolder()]
    var nextID = 1
    var capacity: Int
    var operationCount = 0
    var powerCutAt = Int.max
    var failureAt = Int.max
    var failureCode = SystemCode.inputOutput

    init(capacity: Int) { self.capacity = capacity }

    var usedByteCount: Int { files.values.reduce(0) { $0 + $1.current.count } }

    static func failure(_ operation: String, _ path: String, _ code: Int32) -> StorageError {
        .system(operation: operation, path: path, code: code, text: "simulated error \(code)")
    }

    mutating func countOperation(_ name: String, _ path: String) throws(StorageError) {
        let number = operationCount
        operationCount += 1
        guard number < powerCutAt else {
            throw DiskState.failure(name, path, SystemCode.inputOutput)
        }
        guard number != failureAt else {
            guard failureCode == SystemCode.noSpace else {
                throw DiskState.failure(name, path, failureCode)
            }
            throw .diskFull(operation: name, path: path)
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
        var draw = SplitMix64(seed: 0)
        if case .drawn(let seed, _) = survival { draw = SplitMix64(seed: seed) }
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

    private func torn(_ file: DiskFile, _ blockBytes: Int, _ draw: inout SplitMix64) -> [UInt8] {
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
