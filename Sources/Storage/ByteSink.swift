import Identity

/// Writes a file front to back and knows, when done, its size and digest.
final class ByteSink {
    private let file: any OpenFile
    private var hasher = SHA256Hasher()
    private(set) var byteCount = 0

    init(_ file: any OpenFile) {
        self.file = file
    }

    func write(_ bytes: RawSpan) throws(StorageError) {
        var start = 0
        while start < bytes.byteCount {
            let end = min(start + transferChunkBytes, bytes.byteCount)
            let chunk = bytes.extracting(start..<end)
            try file.write(chunk)
            hasher.update(chunk)
            start = end
        }
        byteCount += bytes.byteCount
    }

    func write(_ bytes: [UInt8]) throws(StorageError) {
        try file.write(bytes)
        hasher.update(bytes)
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
