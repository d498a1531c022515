/// What to cluster into, from the run file or the command line.
public struct ClusteringSettings: Hashable, Sendable {
    /// Number of clusters, k.
    public var clusterCount: Int
    /// Iterations of Lloyd's algorithm, or mini-batches.
    public var iterations: Int
    /// Unit centers and inner products rather than plain means and distances.
    public var spherical: Bool
    /// Labels stored for each sample.
    public var labelsPerSample: Int
    /// Decides the starting samples, the splits and the batches.
    public var seed: UInt64
    /// Samples of a mini-batch; nil to go over all samples in every iteration.
    public var batchCount: Int?
    /// How the nearest centers are found.
    public var search: SearchMethod

    /// Defaults are those of the reference run (sheet MLCD section 6).
    public init(
        clusterCount: Int, iterations: Int = 15, spherical: Bool = true, labelsPerSample: Int = 8,
        seed: UInt64 = 0, batchCount: Int? = nil, search: SearchMethod = .automatic
    ) {
        self.clusterCount = clusterCount
        self.iterations = iterations
        self.spherical = spherical
        self.labelsPerSample = labelsPerSample
        self.seed = seed
        self.batchCount = batchCount
        self.search = search
    }
}

/// How the nearest centers are found.
public enum SearchMethod: Hashable, Sendable {
    /// Exactly up to 65,536 centers, in cells beyond.
    case automatic
    /// All centers are compared with.
    case exact
    /// Those of the nearest cells (`CellSearch`).
    case cells(CellSettings)

    /// The cells to use for so many centers; nil for an exact search.
    public func cells(clusterCount k: Int) -> CellSettings? {
        switch self {
        case .automatic: k > 65_536 ? CellSettings(clusterCount: k) : nil
        case .exact: nil
        case .cells(let settings): settings
        }
    }

    /// What it comes to for so many centers, as text that tells two methods apart.
    public func description(clusterCount k: Int) -> String {
        guard let cells = cells(clusterCount: k) else { return "exact" }
        return "\(cells.probes) of \(cells.cells) cells, \(cells.labelProbes) for labels"
    }
}

/// How centers are put into cells, and how many of them are searched.
public struct CellSettings: Hashable, Sendable {
    /// Cells.
    public var cells: Int
    /// Cells searched in an iteration.
    public var probes: Int
    /// Cells searched for the labels.
    public var labelProbes: Int

    /// Cells and probes as they were found to suit a million centers; see docs/clustering.md.
    public init(
        clusterCount k: Int, cells: Int? = nil, probes: Int? = nil, labelProbes: Int? = nil
    ) {
        self.cells = cells ?? min(k, max(1, 4 * Int(Double(k).squareRoot())))
        self.probes = probes ?? 32
        self.labelProbes = labelProbes ?? 2 * self.probes
    }
}
