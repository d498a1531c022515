internal import Kernels
internal import Tensors
internal import Threads

/// A way to find the nearest centers of samples.
protocol CenterSearch: Sendable {
    /// Samples that are looked up together: what one thread takes at a time.
    var sliceRows: Int { get }

    /// The nearest centers of samples that follow each other.
    ///
    /// A pure function of samples and centers: a slice comes out the same wherever it is computed
    /// and whatever else is computed beside it.
    ///
    /// - Parameter tick: called again and again, for whoever watches.
    func nearest(
        _ rows: Range<Int>, of samples: Samples, depth: Int, tick: () -> Void
    ) -> NearestCenters
}

/// The nearest centers of some samples.
public struct NearestCenters: Sendable {
    /// Centers of each sample.
    public let depth: Int
    /// `[samples, depth]`, nearest first; of equally near ones the lower first.
    public let centers: [Int32]
    /// `[samples, depth]`, their scores: x c, or x c - |c|^2 / 2 for Euclidean distance.
    public let scores: [Float]
    /// Scores that were computed for it, each of as many multiply-adds as a sample has features; 0
    /// where others did and did not count.
    public let scoreCount: Int

    /// What others have found.
    public init(depth: Int, centers: [Int32], scores: [Float]) {
        precondition(centers.count == scores.count, "\(scores.count) scores")
        (self.depth, self.centers, self.scores, scoreCount) = (depth, centers, scores, 0)
    }

    init(joining parts: [NearestCenters], depth: Int) {
        self.depth = depth
        var (centers, scores): ([Int32], [Float]) = ([], [])
        let count = parts.reduce(0) { $0 + $1.centers.count }
        centers.reserveCapacity(count)
        scores.reserveCapacity(count)
        for part in parts {
            centers += part.centers
            scores += part.scores
        }
        (self.centers, self.scores) = (centers, scores)
        scoreCount = parts.reduce(0) { $0 + $1.scoreCount }
    }

    init(_ best: BestCenters, scoreCount: Int) {
        depth = best.depth
        (centers, scores) = (best.centers, best.scores)
        self.scoreCount = scoreCount
    }
}

/// Scores all centers.
struct ExactSearch: CenterSearch {
    private let panels: CenterPanels

    /// Few enough that threads end together, many enough that reading them costs nothing.
    let sliceRows = 2048

    /// - Parameters:
    ///   - centers: `[k, d]`.
    ///   - spherical: by inner product rather than by distance.
    init(_ centers: Tensor, spherical: Bool) {
        panels = CenterPanels(centers, spherical: spherical)
    }

    func nearest(
        _ rows: Range<Int>, of samples: Samples, depth: Int, tick: () -> Void
    ) -> NearestCenters {
        let dim = samples.dim
        var best = BestCenters(rowCount: rows.count, depth: depth)
        let rowsMax = CenterPanels.rowsMax(dim: dim)
        var block = Tensor(uninitialized: [min(rowsMax, rows.count), dim])
        var tile = Tensor(uninitialized: [block.shape[0], CenterPanels.columnsMax])
        var scores = tile.mutableSpan
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsMax) {
            let part = first..<min(rows.upperBound, first + rowsMax)
            readRows(part, of: samples, into: &block)
            let values = block.span.extracting(0..<(part.count * dim))
            let base = first - rows.lowerBound
            panels.forEachTile(values, part.count, scores: &scores) { tile, columns in
                let width = columns.count
                for row in 0..<part.count {
                    best.merge(
                        tile.extracting((row * width)..<((row + 1) * width)), row: base + row,
                        firstCenter: columns.lowerBound)
                }
            }
            tick()
        }
        return NearestCenters(best, scoreCount: rows.count * panels.count)
    }
}

/// Reads samples into the first rows of a block.
func readRows(_ rows: Range<Int>, of samples: Samples, into block: inout Tensor) {
    var all = block.mutableSpan
    var output = all._mutatingExtracting(0..<(rows.count * samples.dim))
    samples.read(rows, into: &output)
}

extension CenterSearch {
    /// The same, watched by nobody.
    func nearest(_ rows: Range<Int>, of samples: Samples, depth: Int) -> NearestCenters {
        nearest(rows, of: samples, depth: depth) {}
    }

    /// The nearest centers of all samples, on several threads, which have no influence on them.
    func nearest(of samples: Samples, depth: Int, threads: Int) -> NearestCenters {
        let slices = SampleSlices(sampleCount: samples.count, sliceRows: sliceRows)
        let parts = mapBlocks(count: slices.count, threads: threads) { slice in
            nearest(slices[slice], of: samples, depth: depth)
        }
        return NearestCenters(joining: parts, depth: depth)
    }

    /// The same, counted by a meter.
    ///
    /// - Throws: `ClusteringError.stopped` if the meter was told to stop.
    func nearest(
        of samples: Samples, depth: Int, threads: Int, meter: WorkMeter
    ) throws(ClusteringError) -> NearestCenters {
        let slices = SampleSlices(sampleCount: samples.count, sliceRows: sliceRows)
        let parts = mapBlocks(count: slices.count, threads: threads) { slice -> NearestCenters? in
            guard !meter.isStopped else { return nil }
            defer { meter.advance(by: slices[slice].count) }
            return nearest(slices[slice], of: samples, depth: depth)
        }
        let whole = parts.compactMap(\.self)
        guard whole.count == parts.count else { throw .stopped }
        return NearestCenters(joining: whole, depth: depth)
    }
}

/// Samples cut into ranges of one length, the last one shorter.
private struct SampleSlices {
    let sampleCount: Int
    let sliceRows: Int

    var count: Int { (sampleCount + sliceRows - 1) / sliceRows }

    subscript(slice: Int) -> Range<Int> {
        (slice * sliceRows)..<min(sampleCount, (slice + 1) * sliceRows)
    }
}
