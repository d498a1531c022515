public import Storage
public import Tensors

/// A clustering between two iterations: what is needed to go on from there with the same bits.
public struct ClusteringState: Sendable {
    /// `[k, d]`.
    public var centers: Tensor
    /// Iterations made.
    public var iteration: Int
    /// The objective of each, per sample.
    public var objectives: [Double]
    /// Scores that were computed.
    public var scoreCount: Int
    /// Whether the last iteration changed nothing.
    public var isConverged: Bool
    /// The centroids of the cells, `[cells, d]`, where the search is accelerated.
    var centroids: Tensor?
    /// Members that each center has had, where batches are gone over.
    var seen: [Int]?

    /// Writes the state, durably, with what it belongs to.
    ///
    /// - Parameter origin: settings and samples as pairs of text, compared by `read`.
    public func write(
        to path: String, origin: [(key: String, value: String)],
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        var entries = [
            SafetensorsEntry("centers", .f32(centers)),
            SafetensorsEntry("objectives", .f64(objectives)),
            SafetensorsEntry(
                "counters",
                .i64([Int64(iteration), Int64(scoreCount), isConverged ? 1 : 0])),
        ]
        if let centroids { entries.append(SafetensorsEntry("centroids", .f32(centroids))) }
        if let seen { entries.append(SafetensorsEntry("seen", .i64(seen.map { Int64($0) }))) }
        try SafetensorsFile.write(
            entries, metadata: origin, to: path, fileSystem: fileSystem)
    }

    /// Reads a state that belongs to these settings and samples.
    ///
    /// - Throws: `StorageError.malformed` naming the first thing that differs.
    public static func read(
        from path: String, origin: [(key: String, value: String)],
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> ClusteringState {
        let file = try SafetensorsFile(contentsOf: path, fileSystem: fileSystem)
        for (key, value) in origin {
            let stored = file.metadata.first { $0.key == key }?.value
            guard stored == value else {
                throw .malformed(
                    path: path,
                    reason: "belongs to a clustering with \(key) \(stored ?? "unknown"), this one "
                        + "has \(value): remove the file to begin anew")
            }
        }
        let counters = try file.integers("counters")
        guard counters.count == 3, counters[0] >= 0, counters[1] >= 0 else {
            throw .malformed(path: path, reason: "holds no state of a clustering")
        }
        return ClusteringState(
            centers: try file.tensor("centers"), iteration: Int(counters[0]),
            objectives: try file.doubles("objectives"), scoreCount: Int(counters[1]),
            isConverged: counters[2] == 1,
            centroids: file.has("centroids") ? try file.tensor("centroids") : nil,
            seen: file.has("seen") ? try file.integers("seen").map { Int($0) } : nil)
    }
}
