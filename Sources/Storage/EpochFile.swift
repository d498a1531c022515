/// Counts the starts of a coordinator on its state directory, and notes how the last one ended.
public enum EpochFile {
    /// What the file says.
    public struct Content: Hashable, Sendable {
        /// The epoch of the last start.
        public var epoch: UInt32
        /// How long each log was when that start ended in order; nil while it runs, or if it was
        /// killed.
        public var ended: [LogLength]?
    }

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
        let last = try read(path, fileSystem: fileSystem)?.epoch ?? 0
        guard last < UInt32.max else {
            throw .malformed(path: path, reason: "no epoch is left after \(last)")
        }
        let epoch = max(last + 1, leastEpoch)
        try fileSystem.writeSealedObject(path, ["epoch": .integer(Int64(epoch))])
        return epoch
    }

    /// Notes that this start ends in order, with logs of these lengths, all of them on disk.
    public static func end(
        _ path: String, epoch: UInt32, logs: [LogLength],
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        try fileSystem.writeSealedObject(
            path, ["epoch": .integer(Int64(epoch)), "ended": LogLength.json(logs)])
    }

    /// What the file says; nil if there was no start yet.
    public static func read(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> Content? {
        guard fileSystem.exists(path) else { return nil }
        let value = try fileSystem.readSealedObject(path)
        do throws(StorageProblem) {
            guard let epoch = value["epoch"]?.integer.flatMap(UInt32.init(exactly:)) else {
                throw StorageProblem("holds no epoch")
            }
            let ended = value["ended"]
            return Content(epoch: epoch, ended: ended == nil ? nil : try LogLength.read(ended))
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }
}
