internal import Buffers
internal import Kernels
internal import Threads

/// For each of some rows, the rows of a bank that score highest against it, best first.
public struct NearestRows: Sendable {
    /// Neighbours of each row.
    public let depth: Int
    /// `[rows, depth]`, row numbers in the bank; equal scores lowest number first.
    public let columns: [Int32]
    /// `[rows, depth]`, their scores.
    public let scores: [Float]

    /// Rows that were asked for.
    public var rowCount: Int { columns.count / depth }

    /// Rows of one matrix product: fixed, for the bits of a product follow its shape.
    static let blockRows = 512
    /// Bank rows of one matrix product.
    static let blockColumns = 512

    /// Searches all rows of a bank exactly.
    ///
    /// The score of query i and bank row j is their inner product plus offset j. Blocks of fixed
    /// size, so that the result does not depend on `threads`. Per thread it holds one tile of
    /// scores (1 MiB), never all of them.
    ///
    /// - Parameters:
    ///   - queries: `[n, d]`, finite.
    ///   - bank: `[k, d]`, finite.
    ///   - depth: neighbours wanted, in 1...k.
    ///   - offsets: one a bank row, or empty.
    public init(
        of queries: Tensor, among bank: Tensor, depth: Int, offsets: [Float] = [], threads: Int
    ) {
        precondition(
            queries.shape.rank == 2 && bank.shape.rank == 2 && queries.shape[1] == bank.shape[1],
            "queries \(queries.shape), bank \(bank.shape)")
        precondition((1...bank.shape[0]).contains(depth), "\(depth) of \(bank.shape[0]) rows")
        precondition(offsets.isEmpty || offsets.count == bank.shape[0], "\(offsets.count) offsets")
        let n = queries.shape[0]
        let blocks = (n + Self.blockRows - 1) / Self.blockRows
        let found = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * Self.blockRows
            let rows = first..<min(n, first + Self.blockRows)
            return Self.search(queries.rows(rows), bank, depth: depth, offsets: offsets)
        }
        self.depth = depth
        columns = found.flatMap(\.columns)
        scores = found.flatMap(\.scores)
    }

    private static func search(
        _ queries: Tensor, _ bank: Tensor, depth: Int, offsets: [Float]
    ) -> TopMatches {
        var best = TopMatches(rowCount: queries.shape[0], depth: depth)
        let none: [Float] = []
        forEachScoreTile(queries, bank) { tile, columns in
            let part =
                offsets.isEmpty ? none.span : offsets.span.extracting(columns)
            best.merge(tile, width: columns.count, firstColumn: columns.lowerBound, offsets: part)
        }
        return best
    }
}

/// Gives `body` the scores queries times bank transposed, tile by tile.
///
/// A tile is `[queries.rows, columns.count]`; they come in rising order of bank rows.
public func forEachScoreTile(
    _ queries: Tensor, _ bank: Tensor, _ body: (Span<Float>, Range<Int>) -> Void
) {
    let (rows, d, k) = (queries.shape[0], queries.shape[1], bank.shape[0])
    var tile = Tensor(uninitialized: [rows, min(k, NearestRows.blockColumns)])
    var first = 0
    while first < k {
        let columns = first..<min(k, first + NearestRows.blockColumns)
        var span = tile.mutableSpan
        sgemm(
            transB: .transposed, m: rows, n: columns.count, k: d, a: queries.span,
            b: bank.rows(columns).span, c: &span)
        body(tile.span.extracting(0..<(rows * columns.count)), columns)
        first = columns.upperBound
    }
}

extension Tensor {
    /// The rows of a matrix scaled to unit length: x / max(|x|, 1e-12).
    public func unitRows() -> Tensor {
        precondition(shape.rank == 2, "rows of \(shape)")
        let d = shape[1]
        var result = Tensor(uninitialized: shape)
        var output = result.mutableSpan
        for row in 0..<shape[0] {
            let values = span.extracting((row * d)..<((row + 1) * d))
            let length = max(Vector.sumOfSquares(values).squareRoot(), 1e-12)
            for column in 0..<d { output[row * d + column] = values[column] / length }
        }
        return result
    }
}
