public import Tensors

/// What to cluster into, from the run file.
public struct ClusteringSettings: Hashable, Sendable {
    /// Number of clusters, k.
    public var clusterCount: Int
    /// Iterations of Lloyd's algorithm.
    public var iterations: Int
    /// Unit centers and inner products rather than plain means and distances.
    public var spherical: Bool
    /// Labels stored for each sample.
    public var labelsPerSample: Int
    /// Decides the starting samples and the splits.
    public var seed: UInt64

    /// Defaults are those of the reference run (sheet MLCD section 6).
    public init(
        clusterCount: Int, iterations: Int = 15, spherical: Bool = true, labelsPerSample: Int = 8,
        seed: UInt64 = 0
    ) {
        self.clusterCount = clusterCount
        self.iterations = iterations
        self.spherical = spherical
        self.labelsPerSample = labelsPerSample
        self.seed = seed
    }
}

/// How far a clustering is, after each iteration.
public struct ClusteringProgress: Sendable {
    /// Iterations done.
    public let iteration: Int
    /// Iterations in all.
    public let iterations: Int
    /// As in `KMeansIteration`.
    public let objective: Double
    /// Empty clusters refilled in this iteration.
    public let refilled: Int
    /// The centers, `[k, d]`, to store and go on from.
    public let centers: Tensor
    /// Time since the start.
    public let elapsed: Duration
    /// Estimated time to the end, label search included.
    public let remaining: Duration
}

/// The result of a clustering.
public struct ClusteringResult: Sendable {
    /// `[k, d]`, unit length.
    public let centers: Tensor
    /// The nearest centers of every sample.
    public let labels: ClusterLabels
    /// Sizes of the clusters, by nearest center.
    public let report: ClusterReport
    /// The objective of each iteration made.
    public let objectives: [Double]
}

/// Clusters prepared features and looks up every sample's labels.
///
/// Blocks its thread for the whole time: never call it from the cooperative pool.
///
/// - Parameters:
///   - samples: `[n, d]`, prepared (`FeaturePreparation`).
///   - resuming: centers and number of iterations that an earlier, interrupted run reported.
///   - threads: without influence on the result.
///   - progress: called after each iteration on the calling thread; false stops the clustering.
/// - Returns: nil if `progress` stopped it.
public func cluster(
    _ samples: Tensor, settings: ClusteringSettings,
    resuming: (centers: Tensor, iteration: Int)? = nil, threads: Int,
    progress: (ClusteringProgress) -> Bool = { _ in true }
) throws(ClusteringError) -> ClusteringResult? {
    guard samples.shape.rank == 2, (1...samples.shape[0]).contains(settings.clusterCount) else {
        throw .clusterCount(
            asked: settings.clusterCount,
            samples: samples.shape.rank == 2 ? samples.shape[0] : 0)
    }
    var run = try startedRun(samples, settings, resuming, threads)
    let clock = ContinuousClock()
    let (start, first) = (clock.now, run.iteration)
    var objectives: [Double] = []
    while run.iteration < settings.iterations {
        let done = try run.advance()
        objectives.append(done.objective)
        let elapsed = start.duration(to: clock.now)
        // The label search costs about as much as one more iteration.
        let left = settings.iterations - run.iteration + 1
        let goOn = progress(
            ClusteringProgress(
                iteration: run.iteration, iterations: settings.iterations,
                objective: done.objective, refilled: done.refilled, centers: run.centers,
                elapsed: elapsed, remaining: elapsed / (run.iteration - first) * left))
        guard goOn else { return nil }
    }
    let centers = run.unitCenters
    let labels = ClusterLabels(
        samples: samples, centers: centers,
        perSample: min(settings.labelsPerSample, settings.clusterCount), threads: threads)
    return ClusteringResult(
        centers: centers, labels: labels, report: ClusterReport(labels: labels),
        objectives: objectives)
}

private func startedRun(
    _ samples: Tensor, _ settings: ClusteringSettings,
    _ resuming: (centers: Tensor, iteration: Int)?, _ threads: Int
) throws(ClusteringError) -> KMeans {
    let draws = SplitDraws.counter(seed: settings.seed)
    if let resuming {
        guard resuming.centers.shape == [settings.clusterCount, samples.shape[1]] else {
            throw .shapeMismatch(
                "stored \(resuming.centers.shape), wanted \(settings.clusterCount) x "
                    + "\(samples.shape[1])")
        }
        return try KMeans(
            samples: samples, centers: resuming.centers, iteration: resuming.iteration,
            spherical: settings.spherical, draws: draws, threads: threads)
    }
    let start = drawStart(
        sampleCount: samples.shape[0], clusterCount: settings.clusterCount, seed: settings.seed)
    return try KMeans(
        samples: samples, start: start, spherical: settings.spherical, draws: draws,
        threads: threads)
}
