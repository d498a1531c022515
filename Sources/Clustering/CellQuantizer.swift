internal import Kernels
internal import Tensors

/// The cells that an accelerated search puts centers into.
struct CellQuantizer: Sendable {
    /// `[cells, d]`.
    let centroids: Tensor
    /// Cells that a sample is looked up in during an iteration.
    let probes: Int
    /// Cells that a sample is looked up in for its labels.
    let labelProbes: Int

    /// Centers of which a cell's centroid is made, at most.
    private static let centersPerCell = 64
    /// Iterations of k-means over them: the cells need not be the best.
    private static let iterations = 6

    /// Centroids that an earlier run stored.
    init(centroids: Tensor, settings: CellSettings) {
        self.centroids = centroids
        (probes, labelProbes) = (settings.probes, settings.labelProbes)
    }

    /// Makes cells of centers: exact k-means over an even selection of them.
    ///
    /// - Returns: the cells, and the scores that were computed for them.
    static func made(
        of centers: Tensor, settings: CellSettings, spherical: Bool, seed: UInt64, threads: Int,
        meter: WorkMeter
    ) throws(ClusteringError) -> (cells: CellQuantizer, scoreCount: Int) {
        let k = centers.shape[0]
        let cellCount = min(settings.cells, k)
        let wanted = min(k, cellCount * centersPerCell)
        let chosen = (0..<wanted).map { Int32($0 * k / wanted) }
        let selection = Samples(matrix: Samples(matrix: centers).tensor(of: chosen))
        meter.begin(.cells, total: wanted * iterations, from: 0, to: 0)
        var run = try KMeans(
            samples: selection,
            start: drawStart(sampleCount: wanted, clusterCount: cellCount, seed: seed),
            spherical: spherical, draws: .counter(seed: seed), threads: threads)
        var scoreCount = 0
        for _ in 0..<iterations { scoreCount += try run.advance(meter: meter).scoreCount }
        return (CellQuantizer(centroids: run.centers, settings: settings), scoreCount)
    }

    /// A search among centers.
    ///
    /// - Parameter isForLabels: by inner product and with more probes.
    func search(
        among centers: Tensor, spherical: Bool, isForLabels: Bool, threads: Int
    ) -> CellSearch {
        CellSearch(
            centers, centroids: isForLabels ? centroids.unitRows() : centroids,
            probes: isForLabels ? labelProbes : probes, spherical: spherical || isForLabels,
            threads: threads)
    }
}
