/// The shards of a data set: runs of samples of nearly equal length, in order (design section 9).
public struct DataShards: Hashable, Sendable {
    /// Samples in the data set.
    public let sampleCount: Int
    /// Shards, at most one a sample.
    public let count: Int

    /// The samples cut into so many shards.
    public init(sampleCount: Int, count: Int) {
        precondition(count > 0 && count <= sampleCount, "\(count) shards of \(sampleCount)")
        self.sampleCount = sampleCount
        self.count = count
    }

    /// The samples of a shard: `floor(i n / K) ..< floor((i + 1) n / K)`.
    public func samples(_ shard: Int) -> Range<Int> {
        precondition((0..<count).contains(shard), "shard \(shard) of \(count)")
        return (shard * sampleCount / count)..<((shard + 1) * sampleCount / count)
    }
}

/// How samples are chosen for slices (design section 9).
public enum Sampling: String, CaseIterable, Hashable, Sendable {
    /// All samples are permuted: a slice may need any shard.
    case global
    /// The shards are dealt out to the slices, and a slice's samples are permuted among
    /// themselves: for a data epoch a slice needs its own shards alone.
    case sharded
}
