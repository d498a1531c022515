/// How evenly samples are spread over clusters.
public struct ClusterReport: Equatable, Sendable {
    /// Clusters.
    public let clusterCount: Int
    /// Samples.
    public let sampleCount: Int
    /// Clusters without a sample.
    public let emptyCount: Int
    /// Samples of the largest cluster.
    public let largest: Int
    /// Samples of the middle cluster in order of size.
    public let median: Int
    /// k * sum of squared shares: 1 if all clusters are equal, k if one holds everything.
    public let imbalance: Double
    /// Clusters by size: without a sample, with 1, 2 to 3, 4 to 7, and so on, up to the largest.
    public let occupancy: [Int]

    /// A report of clusters of these sizes.
    public init(counts: [Int]) {
        precondition(!counts.isEmpty, "no clusters")
        let sorted = counts.sorted()
        let total = counts.reduce(0, +)
        clusterCount = counts.count
        sampleCount = total
        emptyCount = counts.count { $0 == 0 }
        largest = sorted[sorted.count - 1]
        median = sorted[sorted.count / 2]
        let squares = counts.reduce(0.0) { $0 + Double($1) * Double($1) }
        imbalance =
            total == 0 ? 0 : Double(counts.count) * squares / (Double(total) * Double(total))
        var occupancy = [Int](repeating: 0, count: Self.class(of: largest) + 1)
        for count in counts { occupancy[Self.class(of: count)] += 1 }
        self.occupancy = occupancy
    }

    /// The sizes that a place of `occupancy` stands for.
    public static func sizes(at place: Int) -> ClosedRange<Int> {
        place == 0 ? 0...0 : (1 << (place - 1))...((1 << place) - 1)
    }

    private static func `class`(of count: Int) -> Int {
        Int.bitWidth - count.leadingZeroBitCount
    }

    /// A report of the clusters that samples' first labels name.
    public init(labels: ClusterLabels) {
        var counts = [Int](repeating: 0, count: labels.clusterCount)
        for sample in 0..<labels.sampleCount {
            counts[Int(labels.labels[sample * labels.perSample])] += 1
        }
        self.init(counts: counts)
    }
}

extension ClusterReport: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        "\(sampleCount) samples in \(clusterCount) clusters, \(emptyCount) empty, "
            + "median \(median), largest \(largest), imbalance \(tenths(imbalance))"
    }

    private func tenths(_ value: Double) -> String {
        let scaled = Int((value * 100).rounded())
        return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }
}
