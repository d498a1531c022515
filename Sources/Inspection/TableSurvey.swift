internal import Kernels
public import Clustering
internal import Storage
public import Tables
public import Tensors

/// One pass over the rows of a table on disk: their lengths, and the nearest of them to some
/// embeddings.
///
/// A block of rows is held a thread, never the table.
public struct TableSurvey: Sendable {
    /// |w| of every row.
    public let norms: [Float]
    /// The rows of the highest cosine to each query; nil without queries.
    public let nearest: RowRanking?

    /// Rows that are read at a time: 8 MiB at 512 floats a row, and a part of one chunk of a file.
    static let blockRows = 4096

    /// Reads every row once.
    ///
    /// - Parameters:
    ///   - queries: `[n, D]` of unit length, n >= 1; nil if nearest rows are not asked for.
    ///   - depth: nearest rows of each query.
    ///   - threads: without influence on any result.
    /// - Throws: `InspectionError.file` if the table cannot be read, `.stopped` by the meter.
    public init(
        _ table: StoredCenterTable, queries: Tensor? = nil, depth: Int = 1, threads: Int,
        meter: PassMeter
    ) throws(InspectionError) {
        let ranking = queries.map { RowRanking(of: $0, depth: min(depth, table.rowCount)) }
        let ranges = stride(from: 0, to: table.rowCount, by: Self.blockRows).map {
            $0..<min(table.rowCount, $0 + Self.blockRows)
        }
        let blocks = try meter.pass("reading the table", over: ranges, threads: threads) {
            range throws(InspectionError) in
            let rows: Tensor
            do throws(StorageError) {
                rows = try table.rows(range)
            } catch {
                throw .file(error)
            }
            return (rowNorms(rows), ranking?.ranked(rows.unitRows(), first: range.lowerBound))
        }
        var norms: [Float] = []
        norms.reserveCapacity(table.rowCount)
        var nearest = ranking
        for (blockNorms, found) in blocks {
            norms += blockNorms
            if let found { nearest?.merge(found) }
        }
        self.norms = norms
        self.nearest = nearest
    }
}

/// The length of each row of a matrix.
@inline(never)
func rowNorms(_ rows: Tensor) -> [Float] {
    let dim = rows.shape[1]
    return (0..<rows.shape[0]).map { row in
        Vector.sumOfSquares(rows.span.extracting((row * dim)..<((row + 1) * dim))).squareRoot()
    }
}
