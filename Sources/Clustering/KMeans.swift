internal import Kernels
public import Tensors

/// What one iteration of k-means saw; all of it belongs to the centers before the update.
public struct KMeansIteration: Sendable {
    /// Number of the iteration, from 0.
    public let number: Int
    /// The nearest center of every sample, equal distances to the lowest index; of a mini-batch,
    /// that of every sample in it.
    public let assignment: [Int32]
    /// Sum of squared distances (euclidean) or of inner products (spherical) to these centers.
    public let objective: Double
    /// Samples of each cluster, before empty clusters were refilled.
    public let counts: [Int]
    /// Empty clusters that were refilled.
    public let refilled: Int
    /// Scores that were computed, each of as many multiply-adds as a sample has features.
    public let scoreCount: Int
    /// Whether the centers came out as they went in: further iterations change nothing.
    public let isConverged: Bool
}

/// Lloyd's algorithm over all samples (sheet MLCD 2.1; no subsampling).
///
/// A value that holds the samples and the present centers: `advance()` makes one iteration, so a
/// caller can report, store the centers and go on from them later. Samples are assigned by scores
/// whose bits follow from sample and center alone; a mean is summed in the order of its members. So
/// neither bits nor decisions depend on the number of threads.
///
/// Euclidean: centers are plain means, never normalised between iterations. Spherical: centers
/// are of unit length at every assignment, which is by inner product; mean, split, normalise.
public struct KMeans: Sendable {
    /// The samples, prepared as wanted (usually of unit length).
    public let samples: Samples
    /// Whether centers are kept at unit length and compared by inner product.
    public let spherical: Bool
    /// Threads at work; without influence on any result.
    public let threads: Int
    /// `[k, d]`, as they stand after `iteration` updates.
    public internal(set) var centers: Tensor
    /// Updates made.
    public internal(set) var iteration: Int
    /// Cells that speed the search up; nil to score all centers.
    let cells: CellQuantizer?
    let draws: SplitDraws
    /// Who finds nearest centers; nil for this process.
    let assigner: (any CenterAssigner)?
    /// What an exact search remembers of the last iteration.
    private let bounds: BoundedSearch?
    /// The sum of |x|^2; 0 where no distances are asked for.
    private let sampleNorms: Double

    /// Starts from `centers` that samples or an earlier run gave.
    ///
    /// - Parameters:
    ///   - samples: prepared as wanted (usually of unit length).
    ///   - centers: `[k, d]`; spherical ones are normalised here, which changes nothing in
    ///     centers that an earlier run stored after one of its iterations.
    ///   - iteration: updates that these centers have behind them.
    ///   - draws: decide the refilling of empty clusters.
    /// - Throws: `ClusteringError`.
    public init(
        samples: Samples, centers: Tensor, iteration: Int = 0, spherical: Bool, draws: SplitDraws,
        threads: Int
    ) throws(ClusteringError) {
        try self.init(
            samples: samples, centers: centers, iteration: iteration, spherical: spherical,
            draws: draws, cells: nil, assigner: nil, threads: threads)
    }

    init(
        samples: Samples, centers: Tensor, iteration: Int, spherical: Bool, draws: SplitDraws,
        cells: CellQuantizer?, assigner: (any CenterAssigner)?, threads: Int
    ) throws(ClusteringError) {
        guard centers.shape.rank == 2, samples.dim == centers.shape[1] else {
            throw .shapeMismatch(
                "features [\(samples.count), \(samples.dim)], centers \(centers.shape)")
        }
        guard centers.shape[0] >= 1, centers.shape[0] <= samples.count else {
            throw .clusterCount(asked: centers.shape[0], samples: samples.count)
        }
        guard Vector.isFinite(centers.span) else { throw .shapeMismatch("they are not finite") }
        self.samples = samples
        self.centers = spherical && iteration == 0 ? unitRows(centers, threads: threads) : centers
        self.iteration = iteration
        self.spherical = spherical
        self.draws = draws
        self.cells = cells
        self.assigner = assigner
        self.threads = threads
        bounds =
            cells == nil && assigner == nil
            ? BoundedSearch(samples, centerCount: centers.shape[0], spherical: spherical) : nil
        let isNeeded = !spherical || !samples.isFinite
        sampleNorms = isNeeded ? try checkedNorms(samples, threads: threads) : 0
    }

    /// Starts from the samples with numbers `start`.
    public init(
        samples: Samples, start: [Int], spherical: Bool, draws: SplitDraws, threads: Int
    ) throws(ClusteringError) {
        try self.init(
            samples: samples, centers: try samples.startingCenters(start), spherical: spherical,
            draws: draws, threads: threads)
    }

    /// Starts from the rows of a matrix `[n, d]` with numbers `start`.
    public init(
        samples: Tensor, start: [Int], spherical: Bool, draws: SplitDraws, threads: Int
    ) throws(ClusteringError) {
        try self.init(
            samples: try Samples(samples), start: start, spherical: spherical, draws: draws,
            threads: threads)
    }

    /// One iteration: assign, average, refill empty clusters, and normalise if spherical.
    public mutating func advance() throws(ClusteringError) -> KMeansIteration {
        try advance(meter: WorkMeter())
    }

    /// One iteration, counted by a meter.
    ///
    /// - Throws: `ClusteringError.stopped` if the meter was told so; the centers are as before.
    mutating func advance(meter: WorkMeter) throws(ClusteringError) -> KMeansIteration {
        let (nearest, scoreCount) = try nearest(meter: meter)
        let k = centers.shape[0]
        let counts = memberCounts(of: nearest.centers, clusterCount: k)
        var next = allClusterMeans(
            of: samples, labels: nearest.centers, counts: counts, threads: threads)
        let refilled = try refillEmptyClusters(
            &next, counts: counts, sampleCount: samples.count, iteration: iteration, draws: draws)
        if spherical { next = unitRows(next, threads: threads) }
        let isConverged = refilled == 0 && next.isBitIdentical(to: centers)
        centers = next
        defer { iteration += 1 }
        let score = nearest.scores.reduce(0.0) { $0 + Double($1) }
        return KMeansIteration(
            number: iteration, assignment: nearest.centers,
            objective: spherical ? score : sampleNorms - 2 * score, counts: counts,
            refilled: refilled, scoreCount: scoreCount, isConverged: isConverged)
    }

    /// The nearest centers of all samples, and all scores that were computed.
    private func nearest(
        meter: WorkMeter
    ) throws(ClusteringError) -> (NearestCenters, scoreCount: Int) {
        if let assigner {
            let units = SampleUnits(sampleCount: samples.count, isInBatches: false)
            return (try assigner.nearest(order(of: Array(0..<units.count))), 0)
        }
        guard let bounds else { return try nearest(of: samples, meter: meter) }
        let nearest = try bounds.nearest(among: centers, threads: threads, meter: meter)
        return (nearest, nearest.scoreCount)
    }

    /// What an assigner is asked in the next iteration, about these units.
    func order(of units: [Int]) -> AssignmentOrder {
        AssignmentOrder(
            stage: .iteration(iteration), centers: centers, centroids: cells?.centroids, depth: 1,
            units: units)
    }

    /// The nearest centers of some samples, and all scores that were computed.
    func nearest(
        of samples: Samples, meter: WorkMeter
    ) throws(ClusteringError) -> (NearestCenters, scoreCount: Int) {
        guard let cells else {
            let nearest = try ExactSearch(centers, spherical: spherical).nearest(
                of: samples, depth: 1, threads: threads, meter: meter)
            return (nearest, nearest.scoreCount)
        }
        let search = cells.search(
            among: centers, spherical: spherical, isForLabels: false, threads: threads)
        let nearest = try search.nearest(of: samples, depth: 1, threads: threads, meter: meter)
        return (nearest, nearest.scoreCount + search.buildScoreCount)
    }

    /// The centers at unit length, as labels are looked up (sheet MLCD 2.1 point 6).
    public var unitCenters: Tensor { unitRows(centers, threads: threads) }
}

extension Samples {
    /// The samples with these numbers, `[start.count, dim]`, as first centers.
    ///
    /// - Throws: `ClusteringError` if they are none, too many, or do not exist.
    public func startingCenters(_ start: [Int]) throws(ClusteringError) -> Tensor {
        guard count > 0, (1...max(count, 1)).contains(start.count) else {
            throw .clusterCount(asked: start.count, samples: count)
        }
        if let outside = start.first(where: { !(0..<count).contains($0) }) {
            throw .badStart("sample \(outside) of \(count)")
        }
        return tensor(of: start.map { Int32($0) })
    }
}

/// `k` distinct samples of `n`, drawn by seed.
public func drawStart(sampleCount n: Int, clusterCount k: Int, seed: UInt64) -> [Int] {
    precondition((0...n).contains(k), "\(k) of \(n) samples")
    return Array(CounterRandom(seed: seed, stream: .kmeansSeed).permutation(n).prefix(k))
}
