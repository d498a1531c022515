internal import Kernels
internal import Tensors
internal import Threads

/// The samples of each cluster, in rising order.
struct Members: Sendable {
    /// Samples of each cluster.
    let counts: [Int]
    /// All samples, cluster by cluster.
    private let samples: [Int32]
    /// Where each cluster begins in `samples`.
    private let begins: [Int]

    /// Clusters whose means are made by one thread at a time: enough to even out their sizes.
    private static let clustersPerBlock = 64

    init(of assignment: [Int32], clusterCount k: Int) {
        var counts = [Int](repeating: 0, count: k)
        for cluster in assignment { counts[Int(cluster)] += 1 }
        var begins = [Int](repeating: 0, count: k)
        for cluster in 1..<max(k, 1) { begins[cluster] = begins[cluster - 1] + counts[cluster - 1] }
        var next = begins
        var samples = [Int32](repeating: 0, count: assignment.count)
        for (sample, cluster) in assignment.enumerated() {
            samples[next[Int(cluster)]] = Int32(sample)
            next[Int(cluster)] += 1
        }
        self.counts = counts
        self.begins = begins
        self.samples = samples
    }

    /// The mean of each cluster's rows, summed in rising order of samples in double precision;
    /// zeros for an empty cluster.
    ///
    /// - Returns: `[clusters, d]`.
    func means(of rows: Tensor, threads: Int) -> Tensor {
        let k = counts.count
        let d = rows.shape[1]
        let blocks = (k + Self.clustersPerBlock - 1) / Self.clustersPerBlock
        let parts = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * Self.clustersPerBlock
            return means(of: rows, clusters: first..<min(k, first + Self.clustersPerBlock))
        }
        var result = Tensor(uninitialized: [k, d])
        var output = result.mutableSpan
        for (block, part) in parts.enumerated() {
            let base = block * Self.clustersPerBlock * d
            for place in 0..<part.count { output[base + place] = part[place] }
        }
        return result
    }

    private func means(of rows: Tensor, clusters: Range<Int>) -> [Float] {
        let d = rows.shape[1]
        let values = rows.span
        var result: [Float] = []
        result.reserveCapacity(clusters.count * d)
        var sum = [Double](repeating: 0, count: d)
        for cluster in clusters {
            for column in 0..<d { sum[column] = 0 }
            for place in begins[cluster]..<(begins[cluster] + counts[cluster]) {
                let row = values.extracting(
                    (Int(samples[place]) * d)..<((Int(samples[place]) + 1) * d))
                for column in 0..<d { sum[column] += Double(row[column]) }
            }
            let count = Double(max(counts[cluster], 1))
            for column in 0..<d { result.append(Float(sum[column] / count)) }
        }
        return result
    }
}
