internal import Kernels
public import Tensors

/// What one iteration of k-means saw; all of it belongs to the centers before the update.
public struct KMeansIteration: Sendable {
    /// Number of the iteration, from 0.
    public let number: Int
    /// The nearest center of every sample, equal distances to the lowest index.
    public let assignment: [Int32]
    /// Sum of squared distances (euclidean) or of inner products (spherical) to these centers.
    public let objective: Double
    /// Samples of each cluster, before empty clusters were refilled.
    public let counts: [Int]
    /// Empty clusters that were refilled.
    public let refilled: Int
}

/// Lloyd's algorithm over all samples, exact (sheet MLCD 2.1; no subsampling).
///
/// A value that holds the samples and the present centers: `advance()` makes one iteration, so a
/// caller can report, store the centers and go on from them later. Samples are assigned by blocked
/// matrix products; a mean is summed in the order of its members. So neither bits nor decisions
/// depend on the number of threads.
///
/// Euclidean: centers are plain means, never normalised between iterations. Spherical: centers
/// are of unit length at every assignment, which is by inner product; mean, split, normalise.
public struct KMeans: Sendable {
    /// `[n, d]`.
    public let samples: Tensor
    /// Whether centers are kept at unit length and compared by inner product.
    public let spherical: Bool
    /// Threads at work; without influence on any result.
    public let threads: Int
    /// `[k, d]`, as they stand after `iteration` updates.
    public private(set) var centers: Tensor
    /// Updates made.
    public private(set) var iteration: Int
    private let draws: SplitDraws
    private let sampleNorms: Double

    /// Starts from `centers` that samples or an earlier run gave.
    ///
    /// - Parameters:
    ///   - samples: `[n, d]`, prepared as wanted (usually of unit length).
    ///   - centers: `[k, d]`; spherical ones are normalised here, which changes nothing in
    ///     centers that an earlier run stored after one of its iterations.
    ///   - iteration: updates that these centers have behind them.
    ///   - draws: decide the refilling of empty clusters.
    /// - Throws: `ClusteringError`.
    public init(
        samples: Tensor, centers: Tensor, iteration: Int = 0, spherical: Bool, draws: SplitDraws,
        threads: Int
    ) throws(ClusteringError) {
        guard samples.shape.rank == 2, centers.shape.rank == 2,
            samples.shape[1] == centers.shape[1]
        else { throw .shapeMismatch("features \(samples.shape), centers \(centers.shape)") }
        guard centers.shape[0] >= 1, centers.shape[0] <= samples.shape[0] else {
            throw .clusterCount(asked: centers.shape[0], samples: samples.shape[0])
        }
        try checkFinite(samples)
        try checkFinite(centers)
        self.samples = samples
        self.centers = spherical && iteration == 0 ? centers.unitRows() : centers
        self.iteration = iteration
        self.spherical = spherical
        self.draws = draws
        self.threads = threads
        sampleNorms = sumOfRowNorms(samples)
    }

    /// Starts from the samples with numbers `start`.
    public init(
        samples: Tensor, start: [Int], spherical: Bool, draws: SplitDraws, threads: Int
    ) throws(ClusteringError) {
        guard samples.shape.rank == 2, samples.shape[1] > 0 else {
            throw .shapeMismatch("features \(samples.shape), expected samples x features")
        }
        let n = samples.shape[0]
        guard (1...max(n, 1)).contains(start.count), n > 0 else {
            throw .clusterCount(asked: start.count, samples: n)
        }
        if let outside = start.first(where: { !(0..<n).contains($0) }) {
            throw .badStart("sample \(outside) of \(n)")
        }
        try self.init(
            samples: samples, centers: gatheredRows(samples, start), spherical: spherical,
            draws: draws, threads: threads)
    }

    /// One iteration: assign, average, refill empty clusters, and normalise if spherical.
    public mutating func advance() throws(ClusteringError) -> KMeansIteration {
        let nearest = NearestRows(
            of: samples, among: centers, depth: 1,
            offsets: spherical ? [] : halfSquaredNorms(centers).map { -$0 }, threads: threads)
        let score = nearest.scores.reduce(0.0) { $0 + Double($1) }
        let members = Members(of: nearest.columns, clusterCount: centers.shape[0])
        var next = members.means(of: samples, threads: threads)
        let refilled = try refillEmptyClusters(
            &next, counts: members.counts, sampleCount: samples.shape[0], iteration: iteration,
            draws: draws)
        centers = spherical ? next.unitRows() : next
        defer { iteration += 1 }
        return KMeansIteration(
            number: iteration, assignment: nearest.columns,
            objective: spherical ? score : sampleNorms - 2 * score, counts: members.counts,
            refilled: refilled)
    }

    /// The centers at unit length, as labels are looked up (sheet MLCD 2.1 point 6).
    public var unitCenters: Tensor { centers.unitRows() }
}

/// `k` distinct samples of `n`, drawn by seed.
public func drawStart(sampleCount n: Int, clusterCount k: Int, seed: UInt64) -> [Int] {
    precondition((0...n).contains(k), "\(k) of \(n) samples")
    return Array(CounterRandom(seed: seed, stream: .kmeansSeed).permutation(n).prefix(k))
}

/// |c|^2 / 2 of each row: x.c - |c|^2/2 is highest where |x - c|^2 is lowest.
private func halfSquaredNorms(_ centers: Tensor) -> [Float] {
    let d = centers.shape[1]
    return (0..<centers.shape[0]).map { row in
        Vector.sumOfSquares(centers.span.extracting((row * d)..<((row + 1) * d))) / 2
    }
}

/// The sum of |x|^2 over all rows, in row order.
private func sumOfRowNorms(_ samples: Tensor) -> Double {
    let d = samples.shape[1]
    var sum = 0.0
    for row in 0..<samples.shape[0] {
        sum += Double(Vector.sumOfSquares(samples.span.extracting((row * d)..<((row + 1) * d))))
    }
    return sum
}

private func gatheredRows(_ samples: Tensor, _ rows: [Int]) -> Tensor {
    let d = samples.shape[1]
    var result = Tensor(uninitialized: [rows.count, d])
    var output = result.mutableSpan
    let values = samples.span
    for (place, row) in rows.enumerated() {
        for column in 0..<d { output[place * d + column] = values[row * d + column] }
    }
    return result
}
