/// The samples of each cluster, in rising order (a counting sort).
struct Members: Sendable {
    /// Samples of each cluster.
    let counts: [Int]
    /// All samples, cluster by cluster.
    private let samples: [Int32]
    /// Where each cluster begins in `samples`, and their end.
    private let begins: [Int]

    /// - Parameters:
    ///   - labels: the clusters of each sample, in `0..<clusterCount`.
    ///   - each: clusters that a sample has.
    init(of labels: [Int32], each: Int = 1, clusterCount k: Int) {
        let counts = memberCounts(of: labels, clusterCount: k)
        var begins = [0]
        begins.reserveCapacity(k + 1)
        for count in counts { begins.append(begins[begins.count - 1] + count) }
        var next = begins
        var samples = [Int32](repeating: 0, count: labels.count)
        for place in 0..<labels.count {
            let cluster = Int(labels[place])
            samples[next[cluster]] = Int32(place / each)
            next[cluster] += 1
        }
        self.counts = counts
        self.begins = begins
        self.samples = samples
    }

    /// The samples of a cluster, in rising order.
    subscript(cluster: Int) -> ArraySlice<Int32> {
        samples[begins[cluster]..<begins[cluster + 1]]
    }
}

/// Samples of each cluster.
func memberCounts(of labels: [Int32], clusterCount k: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: k)
    for label in labels { counts[Int(label)] += 1 }
    return counts
}
