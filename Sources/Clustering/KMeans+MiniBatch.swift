internal import Kernels
internal import Tensors

/// The samples of each mini-batch: every pass over the samples is cut into batches anew.
///
/// A batch is made of runs of 64 samples that follow each other, which files are read well in; the
/// runs of a pass come in an order that seed and pass decide, each once.
struct BatchOrder: Sendable {
    /// All samples.
    let sampleCount: Int
    /// Samples of a batch, about: a whole number of runs.
    let batchCount: Int
    let seed: UInt64

    /// Samples of a run.
    static let runCount = 64

    private var runs: Int { (sampleCount + Self.runCount - 1) / Self.runCount }
    private var runsPerBatch: Int { max(1, min(runs, batchCount / Self.runCount)) }

    /// Batches of one pass.
    var batchesPerPass: Int { (runs + runsPerBatch - 1) / runsPerBatch }

    /// Whether this batch is the last of its pass.
    func endsPass(_ batch: Int) -> Bool { (batch + 1) % batchesPerPass == 0 }

    /// The samples of a batch, rising.
    func samples(of batch: Int) -> [Int32] {
        runs(of: batch).flatMap { run in
            let first = run * Self.runCount
            return (first..<min(sampleCount, first + Self.runCount)).map { Int32($0) }
        }
    }

    /// The runs of a batch, rising.
    func runs(of batch: Int) -> [Int] {
        let (pass, place) = (batch / batchesPerPass, batch % batchesPerPass)
        let order = CounterRandom(seed: seed, stream: .kmeansBatch, a: UInt64(pass))
            .permutation(runs)
        return order[(place * runsPerBatch)..<min(runs, (place + 1) * runsPerBatch)].sorted()
    }
}

extension KMeans {
    /// One iteration over a mini-batch (Sculley, "Web-scale k-means clustering", WWW 2010).
    ///
    /// A center with v members behind it and b new ones becomes (v c + their sum) / (v + b). At the
    /// end of a pass centers that have never had a member are refilled.
    ///
    /// - Parameter seen: members that each center has had; updated.
    mutating func advance(
        over order: BatchOrder, seen: inout [Int], meter: WorkMeter
    ) throws(ClusteringError) -> KMeansIteration {
        let batch = Samples(matrix: samples.tensor(of: order.samples(of: iteration)))
        let (nearest, scoreCount) = try nearest(of: batch, runs: order.runs(of: iteration), meter)
        let k = centers.shape[0]
        let counts = memberCounts(of: nearest.centers, clusterCount: k)
        let means = allClusterMeans(
            of: batch, labels: nearest.centers, counts: counts, threads: threads)
        var next = blended(centers, means, seen: seen, counts: counts)
        for cluster in 0..<k { seen[cluster] += counts[cluster] }
        var refilled = 0
        if order.endsPass(iteration) {
            let before = seen
            refilled = try refillEmptyClusters(
                &next, counts: &seen, sampleCount: before.reduce(0, +), iteration: iteration,
                draws: draws)
        }
        if spherical { next = unitRows(next, threads: threads) }
        centers = next
        defer { iteration += 1 }
        let score = nearest.scores.reduce(0.0) { $0 + Double($1) }
        let norms = spherical ? 0 : try checkedNorms(batch, threads: threads)
        return KMeansIteration(
            number: iteration, assignment: nearest.centers,
            objective: spherical ? score : norms - 2 * score, counts: counts, refilled: refilled,
            scoreCount: scoreCount, isConverged: false)
    }
}

extension KMeans {
    /// The nearest centers of a batch made of these runs, and all scores that were computed.
    private func nearest(
        of batch: Samples, runs: [Int], _ meter: WorkMeter
    ) throws(ClusteringError) -> (NearestCenters, scoreCount: Int) {
        if let assigner { return (try assigner.nearest(order(of: runs)), 0) }
        return try nearest(of: batch, meter: meter)
    }
}

/// Centers moved towards the means of new members by their share of all members.
private func blended(_ centers: Tensor, _ means: Tensor, seen: [Int], counts: [Int]) -> Tensor {
    let dim = centers.shape[1]
    var result = centers
    var output = result.mutableSpan
    let (old, new) = (centers.span, means.span)
    for cluster in seen.indices where counts[cluster] > 0 {
        let share = Double(counts[cluster]) / Double(seen[cluster] + counts[cluster])
        for place in (cluster * dim)..<((cluster + 1) * dim) {
            output[place] = Float((1 - share) * Double(old[place]) + share * Double(new[place]))
        }
    }
    return result
}
