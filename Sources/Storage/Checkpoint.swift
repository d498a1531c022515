public import Buffers

/// A checkpoint: its manifest is whole, and its files are compared with it as they are read.
public struct Checkpoint: Sendable {
    /// What it consists of.
    public let manifest: CheckpointManifest
    /// Its folder.
    public let folder: String
    let fileSystem: any FileSystem
    /// The base, a checkpoint without one itself.
    private let bases: [Checkpoint]

    init(
        _ manifest: CheckpointManifest, folder: String, base: Checkpoint?,
        _ fileSystem: any FileSystem
    ) {
        self.manifest = manifest
        self.folder = folder
        self.fileSystem = fileSystem
        bases = base.map { [$0] } ?? []
    }

    /// The checkpoint that this one holds the changes of; nil if it is whole by itself.
    public var base: Checkpoint? { bases.first }

    /// Steps that were committed when it was written.
    public var step: Int { manifest.step }

    /// The path of a file of the checkpoint.
    public func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Whether the checkpoint has a file of this name.
    public func has(_ name: String) -> Bool { manifest.files.contains { $0.name == name } }

    /// Compares size and blocks of every file with what was written, and of the base's files those
    /// of which there are changes.
    ///
    /// - Throws: `StorageError.damaged` naming the first file at fault and where in it.
    func check() throws(StorageError) {
        for file in base?.manifest.files ?? [] where has(Checkpoint.changes(of: file.name)) {
            try base?.blocks(file.name).check()
        }
        for file in manifest.files { try blocks(file.name).check() }
    }

    /// A file that is compared block by block as it is read.
    func blocks(_ name: String) throws(StorageError) -> CheckedBlocks {
        guard let listed = manifest.files.first(where: { $0.name == name }) else {
            throw .malformed(path: folder, reason: "the checkpoint has no file '\(name)'")
        }
        return try CheckedBlocks(path(name), listed: listed, fileSystem: fileSystem)
    }

    /// The bytes of a file, compared block by block as they are read.
    public func read(_ name: String) throws(StorageError) -> AlignedBuffer {
        let blocks = try blocks(name)
        let buffer = AlignedBuffer(uninitializedByteCount: blocks.byteCount)
        try blocks.read(into: [buffer], from: 0)
        return buffer
    }

    /// A safetensors file of the checkpoint, compared block by block as it is read.
    public func safetensors(_ name: String) throws(StorageError) -> SafetensorsFile {
        try SafetensorsFile(read(name), path: path(name))
    }

    /// A safetensors file of the checkpoint whose arrays stay on disk: for tables that are larger
    /// than memory.
    ///
    /// Its bytes were compared when the checkpoint was opened; not once more.
    public func streamed(_ name: String) throws(StorageError) -> StreamedSafetensors {
        if let base, !has(name) {
            return try StreamedSafetensors(
                base.streamed(name), changedBy: streamed(Checkpoint.changes(of: name)))
        }
        guard has(name) else {
            throw .malformed(path: folder, reason: "the checkpoint has no file '\(name)'")
        }
        return try StreamedSafetensors(path(name), fileSystem: fileSystem)
    }
}
