internal import Kernels
public import Tensors
internal import Threads

/// The clusters that every sample belongs to: its nearest centers (sheet MLCD 2.1 point 7).
public struct ClusterLabels: Sendable {
    /// Labels of each sample.
    public let perSample: Int
    /// Clusters there are; labels lie in `0..<clusterCount`.
    public let clusterCount: Int
    /// `[samples, perSample]`, most similar first.
    public let labels: [Int32]
    /// `[samples, perSample]`, the cosines.
    public let similarities: [Float]

    /// Samples.
    public var sampleCount: Int { labels.count / perSample }

    /// Labels that a caller stored.
    public init(perSample: Int, clusterCount: Int, labels: [Int32], similarities: [Float]) {
        precondition(perSample > 0 && labels.count.isMultiple(of: perSample), "\(labels.count)")
        precondition(labels.count == similarities.count, "\(similarities.count) similarities")
        precondition(labels.allSatisfy { (0..<clusterCount).contains(Int($0)) }, "label range")
        self.perSample = perSample
        self.clusterCount = clusterCount
        self.labels = labels
        self.similarities = similarities
    }

    /// The `perSample` most similar of ALL centers by cosine; equal ones lowest index first.
    ///
    /// - Parameters:
    ///   - samples: `[n, d]`, as clustered (plain images' features, never crops').
    ///   - centers: `[k, d]`; both are normalised here.
    public init(samples: Tensor, centers: Tensor, perSample: Int, threads: Int) {
        precondition(samples.shape.rank == 2 && centers.shape.rank == 2, "labels: no matrices")
        let nearest = ExactSearch(unitRows(centers, threads: threads), spherical: true).nearest(
            of: Samples(matrix: samples).atUnitLength(), depth: perSample, threads: threads)
        self.init(
            perSample: perSample, clusterCount: centers.shape[0], labels: nearest.centers,
            similarities: nearest.scores)
    }

    /// The `depth` most similar labels of every sample.
    ///
    /// - Precondition: there are as many.
    public func nearest(_ depth: Int) -> ClusterLabels {
        precondition((1...perSample).contains(depth), "\(depth) of \(perSample) labels")
        guard depth < perSample else { return self }
        func kept<Value>(_ values: [Value]) -> [Value] {
            (0..<(sampleCount * depth)).map { values[$0 / depth * perSample + $0 % depth] }
        }
        return ClusterLabels(
            perSample: depth, clusterCount: clusterCount, labels: kept(labels),
            similarities: kept(similarities))
    }

    /// The labels of one sample, most similar first.
    public func labels(of sample: Int) -> ArraySlice<Int32> {
        labels[(sample * perSample)..<((sample + 1) * perSample)]
    }
}

/// Labels whose number differs from sample to sample.
public struct RaggedLabels: Equatable, Sendable {
    /// `[samples + 1]`: sample i has `labels[offsets[i]..<offsets[i + 1]]`.
    public let offsets: [Int]
    /// Labels, most similar first within a sample.
    public let labels: [Int32]

    /// Samples that one thread looks up at a time.
    private static let blockRows = 512

    /// All centers with cosine at least `threshold`, and the nearest one in any case.
    ///
    /// - Parameters:
    ///   - samples: `[n, d]`.
    ///   - centers: `[k, d]`; both are normalised here.
    public init(samples: Tensor, centers: Tensor, threshold: Float, threads: Int) {
        let (x, c) = (samples.unitRows(), centers.unitRows())
        let n = x.shape[0]
        let blocks = (n + Self.blockRows - 1) / Self.blockRows
        let lists = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * Self.blockRows
            return reaching(threshold, x.rows(first..<min(n, first + Self.blockRows)), c)
        }
        var offsets = [0]
        var labels: [Int32] = []
        for list in lists.joined() {
            labels += list
            offsets.append(labels.count)
        }
        self.offsets = offsets
        self.labels = labels
    }
}

/// For each row the columns that reach the threshold, best first, or the best one.
private func reaching(_ threshold: Float, _ rows: Tensor, _ centers: Tensor) -> [[Int32]] {
    var found = [[(column: Int32, score: Float)]](repeating: [], count: rows.shape[0])
    var best = TopMatches(rowCount: rows.shape[0], depth: 1)
    let none: [Float] = []
    forEachScoreTile(rows, centers) { tile, columns in
        let (width, first) = (columns.count, columns.lowerBound)
        appendColumns(
            of: tile, width: width, firstColumn: first, reaching: threshold, to: &found)
        best.merge(tile, width: width, firstColumn: first, offsets: none.span)
    }
    return found.enumerated().map { row, list in
        guard !list.isEmpty else { return [best.columns[row]] }
        return list.sorted { ($1.score, $0.column) < ($0.score, $1.column) }.map(\.column)
    }
}

/// Which of its stored labels a sample uses in a step: the columns of the smallest draws, in
/// rising order of the draws ([L]'s 8 of 10; golden `labels`, `chosen`).
///
/// - Parameters:
///   - stored: labels of one sample.
///   - draws: one uniform number a stored label.
///   - count: labels used.
/// - Returns: `count` labels.
public func chosenLabels(
    stored: ArraySlice<Int32>, draws: [Float], count: Int
) -> [Int32] {
    precondition(draws.count == stored.count && count <= stored.count, "\(count) labels")
    let columns = draws.indices.sorted { (draws[$0], $0) < (draws[$1], $1) }
    return columns.prefix(count).map { stored[stored.startIndex + $0] }
}
