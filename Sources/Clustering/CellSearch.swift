internal import Kernels
internal import Tensors
internal import Threads

/// Scores the centers of the nearest cells alone: an inverted file over the centers.
///
/// Centers lie in cells, each around a centroid. A sample is compared with all centroids, then with
/// the centers of the `probes` nearest cells. With K centers in sqrt(K) times a few cells that is
/// some hundred times less work than comparing it with all centers; the nearest center is missed
/// where it lies in none of the probed cells. With as many probes as cells the result is exact, bit
/// for bit.
///
/// Samples of a slice are sorted by cell, so that a cell meets all that probe it in one product.
struct CellSearch: CenterSearch {
    private let coarse: ExactSearch
    private let cells: [Cell]
    private let probes: Int
    private let dim: Int
    /// Scores that were computed to put the centers into their cells.
    let buildScoreCount: Int

    /// So many that some hundred samples meet in each cell.
    let sliceRows = 16_384

    /// The centers of a cell.
    private struct Cell: Sendable {
        let panels: CenterPanels
        /// Their numbers, rising.
        let centers: [Int32]
    }

    /// Puts centers into the cells of their nearest centroids.
    ///
    /// - Parameters:
    ///   - centers: `[k, d]`.
    ///   - centroids: `[cells, d]`.
    ///   - probes: cells that a sample is looked up in.
    ///   - spherical: by inner product rather than by distance.
    init(
        _ centers: Tensor, centroids: Tensor, probes: Int, spherical: Bool, threads: Int
    ) {
        coarse = ExactSearch(centroids, spherical: spherical)
        let rows = Samples(matrix: centers)
        let nearest = coarse.nearest(of: rows, depth: 1, threads: threads)
        let members = Members(of: nearest.centers, clusterCount: centroids.shape[0])
        cells = mapBlocks(count: centroids.shape[0], threads: threads) { cell in
            let numbers = Array(members[cell])
            return Cell(
                panels: CenterPanels(rows.tensor(of: numbers), spherical: spherical),
                centers: numbers)
        }
        self.probes = min(probes, centroids.shape[0])
        dim = centers.shape[1]
        buildScoreCount = nearest.scoreCount
    }

    func nearest(
        _ rows: Range<Int>, of samples: Samples, depth: Int, tick: () -> Void
    ) -> NearestCenters {
        var vectors = Tensor(uninitialized: [rows.count, dim])
        readRows(rows, of: samples, into: &vectors)
        let visits = visits(of: vectors)
        tick()
        var best = BestCenters(rowCount: rows.count, depth: depth)
        let rowsMax = CenterPanels.rowsMax(dim: dim)
        var block = Tensor(uninitialized: [rowsMax, dim])
        var tile = Tensor(uninitialized: [rowsMax, CenterPanels.columnsMax])
        var scoreCount = rows.count * cells.count
        for (number, cell) in cells.enumerated() {
            let visitors = visits[number]
            scoreCount += visitors.count * cell.centers.count
            for first in stride(from: visitors.startIndex, to: visitors.endIndex, by: rowsMax) {
                let part = visitors[first..<min(visitors.endIndex, first + rowsMax)]
                gather(part, of: vectors, into: &block)
                score(part, block, against: cell, &tile, &best)
            }
            tick()
        }
        return NearestCenters(best, scoreCount: scoreCount)
    }

    /// The samples that probe each cell.
    private func visits(of vectors: Tensor) -> Members {
        let count = vectors.shape[0]
        let near = coarse.nearest(0..<count, of: Samples(matrix: vectors), depth: probes)
        return Members(of: near.centers, each: probes, clusterCount: cells.count)
    }

    private func gather(_ rows: ArraySlice<Int32>, of vectors: Tensor, into block: inout Tensor) {
        var output = block.mutableSpan
        for (place, row) in rows.enumerated() {
            let from = Int(row) * dim
            var target = output._mutatingExtracting((place * dim)..<((place + 1) * dim))
            Vector.copy(vectors.span.extracting(from..<(from + dim)), into: &target)
        }
    }

    private func score(
        _ rows: ArraySlice<Int32>, _ block: Tensor, against cell: Cell, _ tile: inout Tensor,
        _ best: inout BestCenters
    ) {
        var scores = tile.mutableSpan
        let values = block.span.extracting(0..<(rows.count * dim))
        cell.panels.forEachTile(values, rows.count, scores: &scores) { tile, columns in
            let width = columns.count
            let centers = cell.centers.span.extracting(columns)
            for (place, row) in rows.enumerated() {
                best.merge(
                    tile.extracting((place * width)..<((place + 1) * width)), row: Int(row),
                    centers: centers)
            }
        }
    }
}
