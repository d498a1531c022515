internal import Kernels
public import Tensors

/// For each of a few queries the rows that score highest against it, among rows that are seen a
/// block at a time: a table that is larger than memory, embeddings as they are made.
///
/// The score is the inner product, one chain of fused multiply-adds over the columns, so its bits
/// follow from the two rows alone (`PanelProduct`). Equal scores go to the lower row, in whatever
/// order blocks are seen; a score that is no number never enters.
public struct RowRanking: Sendable {
    /// Rows kept for each query.
    public let depth: Int
    /// The number of queries.
    public let queryCount: Int

    private let dim: Int
    private let panels: Tensor
    private var best: BestCenters

    /// Rows that are scored at a time: they stay in a second-level cache with their scores.
    private static let tileRows = 256

    /// A ranking that has seen no row yet.
    ///
    /// - Parameters:
    ///   - queries: `[n, D]`; for cosines of unit length, as the rows then are.
    ///   - depth: rows kept for each query.
    public init(of queries: Tensor, depth: Int) {
        precondition(queries.shape.rank == 2 && queries.shape[0] > 0, "queries \(queries.shape)")
        (queryCount, dim, self.depth) = (queries.shape[0], queries.shape[1], depth)
        var panels = Tensor(
            uninitialized: [PanelProduct.floatCount(rows: dim, columns: queryCount)])
        var output = panels.mutableSpan
        PanelProduct.packTransposed(
            queries.span, rows: dim, columns: queryCount, into: &output)
        self.panels = panels
        best = BestCenters(rowCount: queryCount, depth: depth)
    }

    /// A ranking of a block alone, for `merge`: blocks may be ranked beside each other.
    ///
    /// - Parameters:
    ///   - rows: `[m, D]`.
    ///   - first: the number of the block's first row.
    @inline(never)
    public func ranked(_ rows: Tensor, first: Int) -> RowRanking {
        precondition(
            rows.shape.rank == 2 && rows.shape[1] == dim, "rows \(rows.shape) for queries of \(dim)"
        )
        var result = self
        result.best = BestCenters(rowCount: queryCount, depth: depth)
        var tile = Tensor(uninitialized: [Self.tileRows * queryCount])
        var column = Tensor(uninitialized: [Self.tileRows])
        for begin in stride(from: 0, to: rows.shape[0], by: Self.tileRows) {
            let count = min(Self.tileRows, rows.shape[0] - begin)
            var all = tile.mutableSpan
            var scores = all._mutatingExtracting(0..<(count * queryCount))
            PanelProduct.multiply(
                m: count, n: queryCount, k: dim,
                a: rows.span.extracting((begin * dim)..<((begin + count) * dim)),
                panels: panels.span, c: &scores)
            for query in 0..<queryCount {
                var values = column.mutableSpan
                for row in 0..<count { values[row] = scores[row * queryCount + query] }
                result.best.merge(
                    values.span.extracting(0..<count), row: query, firstCenter: first + begin)
            }
        }
        return result
    }

    /// Takes in what was found in another block.
    public mutating func merge(_ other: RowRanking) {
        precondition(
            other.queryCount == queryCount && other.depth == depth, "rankings of other queries")
        for query in 0..<queryCount {
            let places = (query * depth)..<((query + 1) * depth)
            best.merge(
                other.best.scores.span.extracting(places), row: query,
                centers: other.best.centers.span.extracting(places))
        }
    }

    /// The rows found for a query, the best first: fewer than `depth` where fewer were seen.
    public func rows(of query: Int) -> [(row: Int, score: Float)] {
        ((query * depth)..<((query + 1) * depth)).compactMap { place in
            let row = best.centers[place]
            return row == .max ? nil : (Int(row), best.scores[place])
        }
    }
}
