public import Identity
public import Storage

/// The labels in a file that `ClusteringResult.write` made, which stays on disk: read a block of
/// samples at a time, each checked.
public struct StoredLabels: Sendable {
    /// Samples.
    public let sampleCount: Int
    /// Labels of each sample.
    public let perSample: Int
    /// Clusters; labels lie in `0..<clusterCount`.
    public let clusterCount: Int

    private let file: StreamedSafetensors

    private static let name = "labels"
    /// Samples that are read at a time.
    private static let blockSamples = 1 << 16

    /// The labels of a clustering into so many clusters.
    ///
    /// - Throws: `StorageError.malformed` if the file holds no labels.
    public init(_ file: StreamedSafetensors, clusterCount: Int) throws(StorageError) {
        let dims = try file.dims(Self.name)
        guard dims.count == 2, dims[0] > 0, dims[1] > 0 else {
            throw .malformed(
                path: file.path, reason: "has labels \(dims), [samples, labels] is needed")
        }
        (sampleCount, perSample) = (dims[0], dims[1])
        self.clusterCount = clusterCount
        self.file = file
    }

    /// SHA-256 of all labels, as they are in the file.
    public func digest() throws(StorageError) -> Digest { try file.digest(of: Self.name) }

    /// The labels of samples that follow each other, each sample's most similar first.
    ///
    /// - Throws: `StorageError.malformed` if there is a label of no cluster.
    public func labels(of samples: Range<Int>) throws(StorageError) -> [Int32] {
        let range = (samples.lowerBound * perSample)..<(samples.upperBound * perSample)
        var labels: [Int32] = []
        labels.reserveCapacity(range.count)
        for label in try file.integers(range, of: Self.name) {
            guard label >= 0, label < Int64(clusterCount) else {
                throw .malformed(
                    path: file.path,
                    reason: "has the label \(label), but there are \(clusterCount) clusters")
            }
            labels.append(Int32(label))
        }
        return labels
    }

    /// Samples of each cluster: those whose first label it is, and those that have it among all.
    public func counts() throws(StorageError) -> (first: [Int], all: [Int]) {
        var first = [Int](repeating: 0, count: clusterCount)
        var all = first
        for begin in stride(from: 0, to: sampleCount, by: Self.blockSamples) {
            let samples = begin..<min(sampleCount, begin + Self.blockSamples)
            let labels = try labels(of: samples)
            for place in labels.indices {
                all[Int(labels[place])] += 1
                if place % perSample == 0 { first[Int(labels[place])] += 1 }
            }
        }
        return (first, all)
    }
}
