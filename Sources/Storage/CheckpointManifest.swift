public import Identity

/// A file of a checkpoint as its manifest lists it.
public struct CheckpointFile: Hashable, Sendable {
    /// The name inside the checkpoint's folder.
    public var name: String
    /// The size.
    public var byteCount: Int
    /// The SHA-256 of the content.
    public var digest: Digest
    /// The checksum of every block of the content.
    public var blocks: BlockChecksums
}

/// What a checkpoint consists of: written last, so that where it is whole everything is.
public struct CheckpointManifest: Hashable, Sendable {
    /// The manifest's name inside the checkpoint's folder.
    public static let fileName = "manifest.json"
    /// The version of the format that is written, and the only one that is read.
    static let formatVersion: Int64 = 3
    /// The longest manifest that is read, in bytes: files of 500 GB.
    static let bytesMax = 4 << 20

    /// Steps that were committed when it was written.
    public var step: Int
    /// The program that wrote it.
    public var createdBy: String
    /// The checkpoint of which this one holds the changes; nil if it is whole by itself.
    public var base: CheckpointBase?
    /// Named digests of the state, in the writer's order.
    public var digests: [NamedDigest]
    /// The files, in the writer's order.
    public var files: [CheckpointFile]
    /// What of each log was on disk when the checkpoint was begun.
    public var logs: [LogLength]

    /// The digest of this name.
    public func digest(_ name: String) -> Digest? {
        digests.first { $0.name == name }?.digest
    }

    /// The file's bytes: indented JSON that carries its own checksum.
    func encoded() -> [UInt8] {
        var object: JSONValue = [
            "format_version": .integer(CheckpointManifest.formatVersion),
            "step": .integer(Int64(step)),
            "block_bytes": .integer(Int64(BlockChecksums.blockBytes)),
            "created_by": .string(createdBy), "logs": LogLength.json(logs),
            "digests": .object(digests.map { JSONMember($0.name, .string($0.digest.hex)) }),
            "files": .array(
                files.map { file in
                    [
                        "name": .string(file.name), "bytes": .integer(Int64(file.byteCount)),
                        "sha256": .string(file.digest.hex), "crc32c": .string(file.blocks.hex),
                    ]
                }),
        ]
        if let base, case .object(var members) = object {
            let value: JSONValue = [
                "step": .integer(Int64(base.step)), "sha256": .string(base.content.hex),
            ]
            members.insert(JSONMember("base", value), at: 2)
            object = .object(members)
        }
        return SealedJSON.seal(object, .indented)
    }

    /// Reads a manifest.
    ///
    /// - Throws: `StorageError.damaged` if a byte is not as it was written.
    public init(
        contentsOf path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let bytes = try fileSystem.readFile(path, upTo: CheckpointManifest.bytesMax)
        do throws(StorageProblem) {
            try self.init(decoding: bytes)
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }

    /// Reads the file's bytes.
    init(decoding bytes: [UInt8]) throws(StorageProblem) {
        let value = try SealedJSON.open(bytes, .indented)
        guard let version = value["format_version"]?.integer else {
            throw StorageProblem("has no format_version")
        }
        guard version == CheckpointManifest.formatVersion else {
            throw StorageProblem(
                "is of format version \(version), this program reads "
                    + "\(CheckpointManifest.formatVersion)")
        }
        guard value["block_bytes"]?.integer == Int64(BlockChecksums.blockBytes) else {
            throw StorageProblem("has not blocks of \(BlockChecksums.blockBytes) bytes")
        }
        guard let step = value["step"]?.integer.flatMap({ Int(exactly: $0) }), step >= 0,
            let createdBy = value["created_by"]?.string,
            let digestMembers = value["digests"]?.members, let fileValues = value["files"]?.array
        else { throw StorageProblem("lacks a member") }
        (self.step, self.createdBy) = (step, createdBy)
        logs = try LogLength.read(value["logs"])
        base = try value["base"].map { value throws(StorageProblem) in
            guard let base = value["step"]?.integer.flatMap({ Int(exactly: $0) }),
                (0..<step).contains(base), let text = value["sha256"]?.string,
                let content = Digest(hex: text)
            else { throw StorageProblem("has a base that is none of an earlier step") }
            return CheckpointBase(step: base, content: content)
        }
        digests = []
        for member in digestMembers {
            guard let digest = member.value.string.flatMap({ Digest(hex: $0) }) else {
                throw StorageProblem("has no digest for '\(member.key)'")
            }
            digests.append(NamedDigest(member.key, digest))
        }
        files = []
        var names: Set<String> = []
        for file in fileValues {
            guard let name = file["name"]?.string, isCheckpointFileName(name),
                let byteCount = file["bytes"]?.integer.flatMap({ Int(exactly: $0) }),
                byteCount >= 0, let digest = file["sha256"]?.string.flatMap({ Digest(hex: $0) }),
                let sums = file["crc32c"]?.string,
                let blocks = BlockChecksums(hex: sums, byteCount: byteCount)
            else {
                throw StorageProblem("lists a file without valid name, bytes, sha256 and crc32c")
            }
            guard names.insert(name).inserted else {
                throw StorageProblem("lists '\(name)' twice")
            }
            files.append(
                CheckpointFile(name: name, byteCount: byteCount, digest: digest, blocks: blocks))
        }
    }

    /// SHA-256 over name, size and SHA-256 of every file: what a checkpoint that is based on this
    /// one knows it by.
    public var content: Digest {
        var hasher = SHA256Hasher()
        for file in files { hasher.update("\(file.name) \(file.byteCount) \(file.digest.hex)\n") }
        return hasher.finalize()
    }

    init(
        step: Int, createdBy: String, base: CheckpointBase?, digests: [NamedDigest],
        files: [CheckpointFile], logs: [LogLength]
    ) {
        (self.step, self.createdBy, self.base) = (step, createdBy, base)
        (self.digests, self.files, self.logs) = (digests, files, logs)
    }
}

/// The checkpoint of which another one holds the changes.
public struct CheckpointBase: Hashable, Sendable {
    /// Steps that were committed when it was written.
    public var step: Int
    /// Its `CheckpointManifest.content`.
    public var content: Digest
}

/// A digest of a part of the state.
public struct NamedDigest: Hashable, Sendable {
    /// What it is of: `parameters`, `optimizer`, `tables`.
    public var name: String
    /// The digest.
    public var digest: Digest

    /// A digest of this name.
    public init(_ name: String, _ digest: Digest) {
        self.name = name
        self.digest = digest
    }
}

/// Whether a name can be a file's inside a checkpoint: letters, digits, `-`, `_`, `.`, no folder.
func isCheckpointFileName(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
    return isPlain && (1...128).contains(name.utf8.count) && !name.hasPrefix(".")
        && name != CheckpointManifest.fileName
}
