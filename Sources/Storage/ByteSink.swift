import Buffers
import Identity

/// Writes a file front to back and knows, when done, its size and digest.
///
/// Without a file it only sums: what is to be written is run through it once before, where a
/// checksum stands ahead of the bytes that it is of.
final class ByteSink {
    private let file: (any OpenFile)?
    private var hasher = SHA256Hasher()
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
        } else {
            checksum = CRC32C.checksum(bytes, continuing: checksum)
        }
        byteCount += bytes.count
    }

    var digest: Digest { hasher.finalize() }
}

/// Reads a whole file and gives its size and digest, a chunk at a time.
func digestOfFile(
    _ path: String, _ fileSystem: any FileSystem
) throws(StorageError) -> (byteCount: Int, digest: Digest) {
    let file = try fileSystem.open(path, .read)
    var hasher = SHA256Hasher()
    var byteCount = 0
    while true {
        let bytes = try file.read(at: byteCount, count: transferChunkBytes)
        guard !bytes.isEmpty else { break }
        hasher.update(bytes)
        byteCount += bytes.count
    }
    try file.close()
    return (byteCount, hasher.finalize())
}
