/// Counts the starts of a coordinator on its state directory.
public enum EpochFile {
    /// Reads the count, adds one, and makes it durable before it returns.
    ///
    /// - Parameters:
    ///   - path: the file; absent before the first start.
    ///   - leastEpoch: the epoch is at least this, should other files know of later ones.
    /// - Returns: the epoch of this start, 1 at the first.
    /// - Throws: `StorageError.damaged` if the file is there and not what was written: to begin
    ///   again at 1 could give two starts the same epoch.
    public static func advance(
        _ path: String, atLeast leastEpoch: UInt32 = 1,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> UInt32 {
        let last = try read(path, fileSystem: fileSystem) ?? 0
        guard last < UInt32.max else {
            throw .malformed(path: path, reason: "no epoch is left after \(last)")
        }
        let epoch = max(last + 1, leastEpoch)
        let bytes = SealedJSON.seal(["epoch": .integer(Int64(epoch))], .line)
        try fileSystem.writeFileDurably(path, bytes)
        return epoch
    }

    /// The epoch of the last start; nil if there was none.
    public static func read(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> UInt32? {
        guard fileSystem.exists(path) else { return nil }
        let bytes = try fileSystem.readFile(path, upTo: 4096)
        do throws(StorageProblem) {
            let value = try SealedJSON.open(bytes, .line)
            guard let epoch = value["epoch"]?.integer.flatMap(UInt32.init(exactly:)) else {
                throw StorageProblem("holds no epoch")
            }
            return epoch
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }
}
