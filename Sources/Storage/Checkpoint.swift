public import Buffers
import Identity

/// A checkpoint whose files were all found to be what was written.
public struct Checkpoint: Sendable {
    /// What it consists of.
    public let manifest: CheckpointManifest
    /// Its folder.
    public let folder: String
    private let fileSystem: any FileSystem

    init(_ manifest: CheckpointManifest, folder: String, _ fileSystem: any FileSystem) {
        self.manifest = manifest
        self.folder = folder
        self.fileSystem = fileSystem
    }

    /// Steps that were committed when it was written.
    public var step: Int { manifest.step }

    /// The path of a file of the checkpoint.
    public func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Whether the checkpoint has a file of this name.
    public func has(_ name: String) -> Bool { manifest.files.contains { $0.name == name } }

    /// The bytes of a file, compared once more with size and digest as they were read.
    public func read(_ name: String) throws(StorageError) -> AlignedBuffer {
        let path = path(name)
        guard let entry = manifest.files.first(where: { $0.name == name }) else {
            throw .malformed(path: folder, reason: "the checkpoint has no file '\(name)'")
        }
        let file = try fileSystem.open(path, .read)
        guard try file.byteCount() == entry.byteCount else {
            throw .damaged(path: path, reason: "has not the \(entry.byteCount) bytes written")
        }
        let buffer = AlignedBuffer(uninitializedByteCount: entry.byteCount)
        var bytes = buffer.mutableBytes
        try file.read(at: 0, into: &bytes)
        try file.close()
        var hasher = SHA256Hasher()
        hasher.update(buffer.bytes)
        guard hasher.finalize() == entry.digest else {
            throw .damaged(path: path, reason: "does not match its digest")
        }
        return buffer
    }

    /// A safetensors file of the checkpoint, compared once more with size and digest.
    public func safetensors(_ name: String) throws(StorageError) -> SafetensorsFile {
        try SafetensorsFile(read(name), path: path(name))
    }

    /// A safetensors file of the checkpoint whose arrays stay on disk: for tables that are larger
    /// than memory.
    ///
    /// Its bytes were compared with their digest when the checkpoint was opened; not once more.
    public func streamed(_ name: String) throws(StorageError) -> StreamedSafetensors {
        guard has(name) else {
            throw .malformed(path: folder, reason: "the checkpoint has no file '\(name)'")
        }
        return try StreamedSafetensors(path(name), fileSystem: fileSystem)
    }
}
