public import Tensors

/// What k-means asks for: the nearest ones of these centers, of these samples.
public struct AssignmentOrder: Sendable {
    /// What they are for.
    public enum Stage: Hashable, Sendable {
        /// An iteration, by its number from 0: one center of each sample, in the clustering's own
        /// geometry.
        case iteration(Int)
        /// Labels: the most similar unit centers of each sample, by cosine.
        case labels
    }

    /// What they are for.
    public let stage: Stage
    /// `[k, d]`; of unit length where labels are looked up.
    public let centers: Tensor
    /// The centroids of the cells, `[cells, d]`, where the search is accelerated.
    public let centroids: Tensor?
    /// Centers wanted of each sample.
    public let depth: Int
    /// The samples: numbers of `SampleUnits`, rising.
    public let units: [Int]

    /// An order with these parts.
    public init(
        stage: Stage, centers: Tensor, centroids: Tensor?, depth: Int, units: [Int]
    ) {
        self.stage = stage
        self.centers = centers
        self.centroids = centroids
        self.depth = depth
        self.units = units
    }
}

/// Whoever finds nearest centers for a k-means in place of this process.
///
/// What it finds is a function of the order and the samples alone: `CenterSearch` says why.
public protocol CenterAssigner: Sendable {
    /// The nearest centers of all samples of the order's units, one after the other.
    ///
    /// Blocks its thread until they are there.
    ///
    /// - Throws: `ClusteringError.stopped` if the clustering is to stop.
    func nearest(_ order: AssignmentOrder) throws(ClusteringError) -> NearestCenters
}

/// All samples, cut into units of one length, the last one shorter: what is handed out.
public struct SampleUnits: Hashable, Sendable {
    /// Samples there are.
    public let sampleCount: Int
    /// Samples of a unit.
    public let unitRows: Int

    /// - Parameter isInBatches: whether mini-batches are gone over, which are made of short runs.
    public init(sampleCount: Int, isInBatches: Bool) {
        self.sampleCount = sampleCount
        unitRows = isInBatches ? BatchOrder.runCount : BoundedSlice.rowsMax
    }

    /// Units there are.
    public var count: Int { (sampleCount + unitRows - 1) / unitRows }

    /// The samples of a unit.
    public subscript(unit: Int) -> Range<Int> {
        (unit * unitRows)..<min(sampleCount, (unit + 1) * unitRows)
    }

    /// Samples of some units.
    public func rowCount(of units: ArraySlice<Int>) -> Int {
        units.reduce(0) { $0 + self[$1].count }
    }

    /// The samples of some units, those that follow each other put together.
    func ranges(of units: [Int]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for unit in units {
            let rows = self[unit]
            if let last = ranges.last, last.upperBound == rows.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<rows.upperBound
            } else {
                ranges.append(rows)
            }
        }
        return ranges
    }
}
