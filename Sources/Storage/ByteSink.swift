import Buffers
import Identity

/// Writes a file front to back and knows, when done, its size and digest.
///
/// Without a file it only sums: what is to be written is run through it once before, where a
/// checksum stands ahead of the bytes that it is of.
final class ByteSink {
    private let file: (any OpenFile)?
    private var hasher = SHA256Hasher()
    private var blocks = BlockSummer()
    private(set) var byteCount = 0
    /// CRC-32C of all bytes; kept only where there is no file.
    private(set) var checksum: UInt32 = 0

    /// A sink that writes to `file`, or sums.
    init(_ file: (any OpenFile)?) {
        self.file = file
    }

    func write(_ bytes: RawSpan) throws(StorageError) {
        var start = 0
        while start < bytes.byteCount {
            let end = min(start + transferChunkBytes, bytes.byteCount)
            let chunk = bytes.extracting(start..<end)
            if let file {
                try file.write(chunk)
                hasher.update(chunk)
                blocks.add(chunk)
            } else {
                checksum = CRC32C.checksum(chunk, continuing: checksum)
            }
            start = end
        }
        byteCount += bytes.byteCount
    }

    func write(_ bytes: [UInt8]) throws(StorageError) {
        if let file {
            try file.write(bytes)
            hasher.update(bytes)
            blocks.add(bytes)
        } else {
            checksum = CRC32C.checksum(bytes, continuing: checksum)
        }
        byteCount += bytes.count
    }

    /// What was written, as a manifest lists it.
    func listed(as name: String) -> CheckpointFile {
        CheckpointFile(
            name: name, byteCount: byteCount, digest: hasher.finalize(),
            blocks: blocks.checksums)
    }
}

/// Reads a whole file, a chunk at a time, and gives what a manifest would list of it.
func sumsOfFile(
    _ path: String, _ fileSystem: any FileSystem
) throws(StorageError) -> CheckpointFile {
    let file = try fileSystem.open(path, .read)
    var hasher = SHA256Hasher()
    var blocks = BlockSummer()
    var byteCount = 0
    while true {
        let bytes = try file.read(at: byteCount, count: transferChunkBytes)
        guard !bytes.isEmpty else { break }
        hasher.update(bytes)
        blocks.add(bytes)
        byteCount += bytes.count
    }
    try file.close()
    return CheckpointFile(
        name: fileName(of: path), byteCount: byteCount, digest: hasher.finalize(),
        blocks: blocks.checksums)
}
