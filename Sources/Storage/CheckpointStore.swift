import Identity

/// The checkpoints of a run: one folder each, complete or absent.
///
/// A checkpoint is written beside (`writing.tmp`), every file synchronised and read back, the
/// manifest last; then the folder is synchronised, renamed to `step-N`, and the folder around it
/// synchronised. A crash at any point leaves the older ones and, perhaps, rubbish that the next
/// write removes. The caller holds the run's lock: there is one writer.
public struct CheckpointStore: Sendable {
    /// What one file of a checkpoint is made of.
    public enum Content: Sendable {
        /// A safetensors file of these arrays.
        case safetensors([SafetensorsEntry], metadata: [(key: String, value: String)] = [])
        /// A safetensors file of these arrays; where the checkpoint has a base a file of what
        /// differs from it, as `NAME.changes.safetensors`.
        case changes([ChangedArray])
        /// Any bytes.
        case bytes([UInt8])
    }

    /// The folder of all checkpoints.
    public let directory: String
    /// Checkpoints that are kept: the newest ones, at least two, and what `CheckpointRetention`
    /// says.
    public let keptCount: Int
    let fileSystem: any FileSystem
    private static let damagedPrefix = "damaged-"

    /// The checkpoints in this folder.
    ///
    /// - Parameters:
    ///   - directory: the folder of all checkpoints.
    ///   - keptCount: checkpoints that are kept, at least two.
    ///   - makesDirectory: whether the folder is made if it is not there; not for mere reading.
    public init(
        directory: String, keptCount: Int = 2, makesDirectory: Bool = true,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        precondition(keptCount >= 2, "with one generation a broken one would end the run")
        self.directory = directory
        self.keptCount = keptCount
        self.fileSystem = fileSystem
        if makesDirectory { try fileSystem.createDirectoryDurably(directory) }
    }

    /// The steps for which there is a folder, whole or not, rising.
    public func steps() throws(StorageError) -> [Int] {
        guard fileSystem.exists(directory) else { return [] }
        return try fileSystem.list(directory).compactMap { number(in: $0, after: "step-") }.sorted()
    }

    /// Writes a checkpoint; returns when it is durable, and older ones beyond `keptCount` removed.
    ///
    /// One of the same step with the same files is left as it is; one with others, or a broken
    /// one, is replaced.
    ///
    /// - Parameters:
    ///   - step: steps that are committed.
    ///   - base: steps of the earlier checkpoint, whole by itself, that `changes` are counted from;
    ///     it is kept as long as this one.
    ///   - files: names and contents, in the order in which they are written.
    ///   - digests: named digests of the state, for the manifest; made once all files are written.
    ///   - logs: what of each log is on disk, for the manifest.
    ///   - createdBy: the program and its version, for the manifest.
    /// - Throws: `StorageError.diskFull` among others; the older checkpoints are untouched then. A
    ///   failed synchronisation fails the whole write.
    @discardableResult
    public func write(
        step: Int, base: Int? = nil, files: [(name: String, content: Content)],
        digests: @autoclosure () -> [NamedDigest], logs: [LogLength] = [], createdBy: String
    ) throws(StorageError) -> CheckpointManifest {
        let temporary = "\(directory)/writing.tmp"
        try removeLeftovers()
        do {
            let known = try base.map { base throws(StorageError) in
                CheckpointBase(step: base, content: try self.manifest(of: base).content)
            }
            let named = files.map { self.named($0, hasBase: known != nil) }
            let written = try writeFiles(named, in: temporary)
            let manifest = CheckpointManifest(
                step: step, createdBy: createdBy, base: known, digests: digests(),
                files: written, logs: logs)
            try write(manifest, in: temporary)
            try putInPlace(manifest, from: temporary)
            try prune()
            return manifest
        } catch {
            // Room is made at once; what cannot be removed now goes with the next write.
            try? fileSystem.removeTree(temporary)
            throw error
        }
    }

    /// Opens the newest checkpoint that is whole, having compared every block of every file.
    ///
    /// - Returns: the checkpoint, nil if there is none at all; and the newer ones that are broken,
    ///   each with the file at fault, which the caller must report.
    /// - Throws: `StorageError.noWholeCheckpoint` if there are checkpoints and none is whole;
    ///   an error of the system that says nothing about a checkpoint.
    public func newest() throws(StorageError) -> (
        checkpoint: Checkpoint?, rejected: [RejectedCheckpoint]
    ) {
        let (checkpoint, rejected) = try newest { checkpoint throws(StorageError) in
            try checkpoint.check()
            return checkpoint
        }
        return (checkpoint, rejected)
    }

    /// Reads the newest checkpoint that is whole, in one pass.
    ///
    /// - Parameter read: reads all files that are needed, each block compared with its checksum on
    ///   the way; where one is not what was written the checkpoint is passed over.
    /// - Returns: as `newest()`, what `read` made of the checkpoint.
    /// - Throws: as `newest()`.
    public func newest<Value>(
        reading read: (Checkpoint) throws(StorageError) -> Value
    ) throws(StorageError) -> (value: Value?, rejected: [RejectedCheckpoint]) {
        var rejected: [RejectedCheckpoint] = []
        for step in try steps().reversed() {
            switch try examine(step, read) {
            case .success(let value): return (value, rejected)
            case .failure(let rejection): rejected.append(rejection.checkpoint)
            }
        }
        guard rejected.isEmpty else {
            throw .noWholeCheckpoint(directory: directory, rejected: rejected)
        }
        return (nil, [])
    }

    /// Opens the checkpoint of this step if it is whole.
    ///
    /// - Throws: `StorageError.damaged` naming the file at fault.
    public func checkpoint(step: Int) throws(StorageError) -> Checkpoint {
        let examined = try examine(step) { checkpoint throws(StorageError) in
            try checkpoint.check()
            return checkpoint
        }
        switch examined {
        case .success(let checkpoint): return checkpoint
        case .failure(let rejection):
            throw .damaged(path: rejection.checkpoint.file, reason: rejection.checkpoint.reason)
        }
    }

    /// What of each log was on disk, by the word of every manifest that can be read.
    public func logLengths() throws(StorageError) -> [LogLength] {
        var lengths: [LogLength] = []
        for step in try steps() {
            let path = manifestPath(step)
            // One that cannot be read is no witness; whoever loads the checkpoint says so.
            guard let manifest = try? CheckpointManifest(contentsOf: path, fileSystem: fileSystem)
            else { continue }
            lengths += manifest.logs
        }
        return lengths
    }

    /// Takes broken checkpoints out of the row, so that they do not count among those that are
    /// kept; they stay as `damaged-N` until all that are kept are newer.
    public func setAside(_ rejected: [RejectedCheckpoint]) throws(StorageError) {
        for checkpoint in rejected {
            let target = "\(directory)/\(CheckpointStore.damagedPrefix)\(checkpoint.step)"
            if fileSystem.exists(target) { try fileSystem.removeTree(target) }
            try fileSystem.rename(folder(checkpoint.step), to: target)
        }
        if !rejected.isEmpty { try fileSystem.synchronizeDirectory(directory) }
    }

    func folder(_ step: Int) -> String { "\(directory)/step-\(step)" }

    private func number(in name: String, after prefix: String) -> Int? {
        guard name.hasPrefix(prefix), let step = Int(name.dropFirst(prefix.count)), step >= 0,
            name == "\(prefix)\(step)"
        else { return nil }
        return step
    }

    /// Under which name a file is written: what differs from a base has one of its own.
    private func named(
        _ file: (name: String, content: Content), hasBase: Bool
    ) -> (name: String, content: Content) {
        guard case .changes(let arrays) = file.content else { return file }
        return hasBase
            ? (Checkpoint.changes(of: file.name), .safetensors(arrays.flatMap(\.changeEntries)))
            : (file.name, .safetensors(arrays.map(\.entry)))
    }

    private func writeFiles(
        _ files: [(name: String, content: Content)], in folder: String
    ) throws(StorageError) -> [CheckpointFile] {
        try fileSystem.createDirectory(folder)
        var written: [CheckpointFile] = []
        for (name, content) in files {
            precondition(
                isCheckpointFileName(name) && !written.contains { $0.name == name },
                "'\(name)' is no name for a file of a checkpoint, or stands twice")
            let path = "\(folder)/\(name)"
            let file = try writeFile(path) { sink throws(StorageError) in
                switch content {
                case .safetensors(let entries, let metadata):
                    try writeSafetensors(entries, metadata: metadata, to: sink)
                case .changes(let arrays):
                    try writeSafetensors(arrays.map(\.entry), metadata: [], to: sink)
                case .bytes(let bytes): try sink.write(bytes)
                }
            }
            written.append(file)
        }
        return written
    }

    private func write(
        _ manifest: CheckpointManifest, in folder: String
    ) throws(StorageError) {
        let bytes = manifest.encoded()
        precondition(bytes.count <= CheckpointManifest.bytesMax, "a manifest too long")
        FailPoint.pass("checkpoint.manifest")
        let path = "\(folder)/\(CheckpointManifest.fileName)"
        _ = try writeFile(path) { sink throws(StorageError) in try sink.write(bytes) }
        try fileSystem.synchronizeDirectory(folder)
    }

    private func writeFile(
        _ path: String, _ body: (ByteSink) throws(StorageError) -> Void
    ) throws(StorageError) -> CheckpointFile {
        FailPoint.pass("checkpoint.write")
        let file = try fileSystem.open(path, .create)
        let sink = ByteSink(file)
        try body(sink)
        FailPoint.pass("checkpoint.sync")
        try file.synchronize()
        try file.close()
        let written = sink.listed(as: fileName(of: path))
        try CheckedBlocks(path, listed: written, fileSystem: fileSystem).check()
        return written
    }

    private func putInPlace(
        _ manifest: CheckpointManifest, from temporary: String
    ) throws(StorageError) {
        let target = folder(manifest.step)
        if fileSystem.exists(target) {
            // One that cannot be read is replaced.
            if let there = try? checkpoint(step: manifest.step).manifest,
                there.files == manifest.files, there.digests == manifest.digests
            {
                try fileSystem.removeTree(temporary)
                return
            }
            try fileSystem.rename(target, to: "\(directory)/replaced.tmp")
        }
        FailPoint.pass("checkpoint.rename")
        try fileSystem.rename(temporary, to: target)
        FailPoint.pass("checkpoint.dirsync")
        try fileSystem.synchronizeDirectory(directory)
        FailPoint.pass("checkpoint.done")
        try removeLeftovers()
    }

    /// Removes what is not kept; a folder is renamed first, so that no half of one looks like a
    /// broken checkpoint.
    private func prune() throws(StorageError) {
        let steps = try steps()
        var bases: [Int: Int] = [:]
        // Of a manifest that cannot be read nobody knows a base: its checkpoint is broken.
        for step in steps { bases[step] = (try? manifest(of: step))?.base?.step }
        for step in CheckpointRetention(keptCount: keptCount).doomed(steps, baseOf: { bases[$0] }) {
            let doomed = "\(directory)/old.tmp"
            try fileSystem.rename(folder(step), to: doomed)
            try fileSystem.synchronizeDirectory(directory)
            FailPoint.pass("checkpoint.prune")
            try fileSystem.removeTree(doomed)
        }
        guard let oldest = try self.steps().first else { return }
        for name in try fileSystem.list(directory) {
            if let step = number(in: name, after: CheckpointStore.damagedPrefix), step < oldest {
                try fileSystem.removeTree("\(directory)/\(name)")
            }
        }
    }

    private func removeLeftovers() throws(StorageError) {
        for name in try fileSystem.list(directory) where name.hasSuffix(".tmp") {
            try fileSystem.removeTree("\(directory)/\(name)")
        }
    }
}
