internal import Kernels
public import Tensors

/// A clustering from first centers to labels: iterations one by one, so that the caller can report,
/// store the state and stop between two of them.
///
/// Blocks its thread while it computes: never advance it on the cooperative pool.
public struct ClusteringRun: Sendable {
    /// What it clusters into.
    public let settings: ClusteringSettings
    /// The part of the whole work that an iteration is; the labels take as much as two.
    private var iterationPart: Double { 1 / Double(settings.iterations + 2) }

    private var kMeans: KMeans
    private var objectives: [Double]
    private var scoreCount: Int
    private var isConverged: Bool
    private var seen: [Int]?
    private let meter: WorkMeter

    /// Begins, or goes on from a state.
    ///
    /// - Parameters:
    ///   - samples: prepared as wanted (`Samples.prepared`).
    ///   - resuming: what an earlier run with these samples and settings stored.
    ///   - threads: without influence on the result.
    ///   - assigner: finds the nearest centers; by default this process does.
    ///   - meter: is told how far it is, and asked whether to stop.
    public init(
        _ samples: Samples, settings: ClusteringSettings, resuming: ClusteringState? = nil,
        threads: Int, assigner: (any CenterAssigner)? = nil, meter: WorkMeter = WorkMeter()
    ) throws(ClusteringError) {
        let k = settings.clusterCount
        guard (1...max(samples.count, 1)).contains(k), samples.count > 0 else {
            throw .clusterCount(asked: k, samples: samples.count)
        }
        if let resuming, resuming.centers.shape != [k, samples.dim] {
            throw .shapeMismatch(
                "stored \(resuming.centers.shape), wanted \(k) x \(samples.dim)")
        }
        self.settings = settings
        self.meter = meter
        let made = resuming?.iteration ?? 0
        meter.goOn(
            iterations: made, fraction: Double(made) / Double(settings.iterations + 2))
        let start: Tensor
        if let resuming {
            start = resuming.centers
        } else {
            start = try samples.startingCenters(
                drawStart(sampleCount: samples.count, clusterCount: k, seed: settings.seed))
        }
        scoreCount = resuming?.scoreCount ?? 0
        var cells: CellQuantizer?
        if let wanted = settings.search.cells(clusterCount: k) {
            if let stored = resuming?.centroids {
                cells = CellQuantizer(centroids: stored, settings: wanted)
            } else {
                let made = try CellQuantizer.made(
                    of: start, settings: wanted, spherical: settings.spherical,
                    seed: settings.seed, threads: threads, meter: meter)
                cells = made.cells
                scoreCount += made.scoreCount
            }
        }
        kMeans = try KMeans(
            samples: samples, centers: start, iteration: resuming?.iteration ?? 0,
            spherical: settings.spherical, draws: .counter(seed: settings.seed), cells: cells,
            assigner: assigner, threads: threads)
        objectives = resuming?.objectives ?? []
        isConverged = resuming?.isConverged ?? false
        seen = settings.batchCount.map { _ in
            resuming?.seen ?? [Int](repeating: 0, count: k)
        }
    }

    /// Iterations made.
    public var iteration: Int { kMeans.iteration }

    /// What is needed to go on from here.
    public var state: ClusteringState {
        ClusteringState(
            centers: kMeans.centers, iteration: kMeans.iteration, objectives: objectives,
            scoreCount: scoreCount, isConverged: isConverged,
            centroids: kMeans.cells?.centroids, seen: seen)
    }

    /// Makes the next iteration.
    ///
    /// - Returns: nil if all are made, or further ones would change nothing.
    /// - Throws: `ClusteringError.stopped` if the meter was told so; the state is as before.
    public mutating func advance() throws(ClusteringError) -> KMeansIteration? {
        guard iteration < settings.iterations, !isConverged else { return nil }
        let order = settings.batchCount.map {
            BatchOrder(
                sampleCount: kMeans.samples.count, batchCount: $0, seed: settings.seed)
        }
        let from = Double(iteration) * iterationPart
        meter.begin(
            .iteration(iteration + 1), total: order?.batchCount ?? kMeans.samples.count,
            from: from, to: from + iterationPart)
        let done: KMeansIteration
        if let order, var members = seen {
            done = try kMeans.advance(over: order, seen: &members, meter: meter)
            seen = members
        } else {
            done = try kMeans.advance(meter: meter)
        }
        objectives.append(done.objective / Double(max(done.assignment.count, 1)))
        scoreCount += done.scoreCount
        isConverged = done.isConverged
        meter.endIteration()
        return done
    }

    /// Looks up the labels of every sample and, where the search is accelerated, compares a part of
    /// them with an exact search.
    ///
    /// - Throws: `ClusteringError.stopped` if the meter was told so.
    public func result() throws(ClusteringError) -> ClusteringResult {
        let from = Double(settings.iterations) * iterationPart
        meter.begin(.labels, total: kMeans.samples.count, from: from, to: 0.99)
        let lookUp = LabelSearch(
            centers: kMeans.unitCenters, cells: kMeans.cells, threads: kMeans.threads)
        let depth = min(settings.labelsPerSample, settings.clusterCount)
        let (labels, labelScores) = try labels(lookUp, perSample: depth)
        var agreement: SearchAgreement?
        if kMeans.cells != nil {
            agreement = try lookUp.agreement(of: labels, with: kMeans.samples, meter: meter)
        }
        return ClusteringResult(
            centers: lookUp.centers, labels: labels, report: ClusterReport(labels: labels),
            objectives: objectives, scoreCount: scoreCount, labelScoreCount: labelScores,
            agreement: agreement)
    }

    /// The labels of all samples, and how many scores they took here.
    private func labels(
        _ lookUp: LabelSearch, perSample depth: Int
    ) throws(ClusteringError) -> (ClusterLabels, scoreCount: Int) {
        guard let assigner = kMeans.assigner else {
            return try lookUp.labels(of: kMeans.samples, perSample: depth, meter: meter)
        }
        let units = SampleUnits(
            sampleCount: kMeans.samples.count, isInBatches: settings.batchCount != nil)
        let found = try assigner.nearest(
            AssignmentOrder(
                stage: .labels, centers: lookUp.centers, centroids: kMeans.cells?.centroids,
                depth: depth, units: Array(0..<units.count)))
        let labels = ClusterLabels(
            perSample: depth, clusterCount: settings.clusterCount, labels: found.centers,
            similarities: found.scores)
        return (labels, 0)
    }
}

/// The result of a clustering.
public struct ClusteringResult: Sendable {
    /// `[k, d]`, unit length.
    public let centers: Tensor
    /// The nearest centers of every sample.
    public let labels: ClusterLabels
    /// Sizes of the clusters, by nearest center.
    public let report: ClusterReport
    /// The objective of each iteration made, per sample: the mean inner product with the nearest
    /// center, or the mean squared distance to it.
    public let objectives: [Double]
    /// Scores that the iterations computed, each of as many multiply-adds as a sample has features.
    public var scoreCount = 0
    /// Scores that the search for labels computed.
    public var labelScoreCount = 0
    /// How the labels compare with those of an exact search; nil if they are exact.
    public var agreement: SearchAgreement?

    /// The same clustering with fewer labels of each sample, the most similar ones.
    public func keeping(labelsPerSample depth: Int) -> ClusteringResult {
        ClusteringResult(
            centers: centers, labels: labels.nearest(depth), report: report,
            objectives: objectives, scoreCount: scoreCount, labelScoreCount: labelScoreCount,
            agreement: agreement)
    }

    /// The mean cosine of the samples with their first labels.
    public var meanSimilarity: Double {
        let firsts = stride(from: 0, to: labels.similarities.count, by: labels.perSample)
        let sum = firsts.reduce(0.0) { $0 + Double(labels.similarities[$1]) }
        return sum / Double(max(labels.sampleCount, 1))
    }
}

/// Clusters prepared features and looks up every sample's labels.
///
/// Blocks its thread for the whole time: never call it from the cooperative pool.
///
/// - Parameters:
///   - samples: `[n, d]`, prepared (`FeaturePreparation`).
///   - threads: without influence on the result.
///   - progress: called after each iteration; false stops the clustering.
/// - Returns: nil if `progress` stopped it.
public func cluster(
    _ samples: Tensor, settings: ClusteringSettings, threads: Int,
    progress: (ClusteringProgress) -> Bool = { _ in true }
) throws(ClusteringError) -> ClusteringResult? {
    var run = try ClusteringRun(try Samples(samples), settings: settings, threads: threads)
    while try run.advance() != nil {
        let done = ClusteringProgress(
            iteration: run.iteration, iterations: settings.iterations)
        guard progress(done) else { return nil }
    }
    return try run.result()
}

/// How far a clustering is, after each iteration.
public struct ClusteringProgress: Sendable {
    /// Iterations done.
    public let iteration: Int
    /// Iterations in all, at most.
    public let iterations: Int
}
