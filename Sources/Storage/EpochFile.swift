/// Counts the starts of a coordinator on its state directory, and keeps what later ones must know
/// of them: how the last one ended, and how often something was in doubt.
public enum EpochFile {
    /// What the file says.
    public struct Content: Hashable, Sendable {
        /// The epoch of the last start.
        public var epoch: UInt32
        /// How often a step was open in which something was in doubt, over all starts.
        public var doubts: Int
        /// How long each log was when that start ended in order; nil while it runs, or if it was
        /// killed.
        public var ended: [LogLength]?

        /// What the file says after these starts.
        public init(epoch: UInt32, doubts: Int = 0, ended: [LogLength]? = nil) {
            (self.epoch, self.doubts, self.ended) = (epoch, doubts, ended)
        }
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
        let last = try read(path, fileSystem: fileSystem) ?? Content(epoch: 0)
        guard last.epoch < UInt32.max else {
            throw .malformed(path: path, reason: "no epoch is left after \(last.epoch)")
        }
        let next = Content(epoch: max(last.epoch + 1, leastEpoch), doubts: last.doubts)
        try write(next, path, fileSystem)
        return next.epoch
    }

    /// Counts one more opening of a step in which something is in doubt, and makes it durable
    /// before it returns.
    ///
    /// - Returns: how many there have been.
    /// - Throws: `StorageError`; the file must be there, as it is once a coordinator has started.
    public static func noteDoubt(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> Int {
        var content = try readExisting(path, fileSystem)
        content.doubts += 1
        try write(content, path, fileSystem)
        return content.doubts
    }

    /// Notes that the last start ends in order, with logs of these lengths, all of them on disk.
    public static func end(
        _ path: String, logs: [LogLength], fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        var content = try readExisting(path, fileSystem)
        content.ended = logs
        try write(content, path, fileSystem)
    }

    /// What the file says; nil if there was no start yet.
    public static func read(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> Content? {
        fileSystem.exists(path) ? try readExisting(path, fileSystem) : nil
    }

    private static func readExisting(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> Content {
        let value = try fileSystem.readSealedObject(path)
        do throws(StorageProblem) {
            guard let epoch = value["epoch"]?.integer.flatMap(UInt32.init(exactly:)) else {
                throw StorageProblem("holds no epoch")
            }
            // Files from before it was counted lack it, as do those of runs without any doubt.
            let counted = value["doubts"].map(\.integer) ?? 0
            guard let doubts = counted.flatMap(Int32.init(exactly:)), (0..<Int32.max) ~= doubts
            else {
                throw StorageProblem("holds no number of doubts")
            }
            let ended = value["ended"]
            return Content(
                epoch: epoch, doubts: Int(doubts),
                ended: ended == nil ? nil : try LogLength.read(ended))
        } catch {
            throw .damaged(path: path, reason: error.reason)
        }
    }

    private static func write(
        _ content: Content, _ path: String, _ fileSystem: any FileSystem
    ) throws(StorageError) {
        var members = [JSONMember("epoch", .integer(Int64(content.epoch)))]
        if content.doubts > 0 {
            members.append(JSONMember("doubts", .integer(Int64(content.doubts))))
        }
        if let ended = content.ended { members.append(JSONMember("ended", LogLength.json(ended))) }
        try fileSystem.writeSealedObject(path, .object(members))
    }
}
