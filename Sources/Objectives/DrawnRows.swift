public import Tensors
internal import Kernels

/// Rows of classes as a classification reads them: those that a table has drawn, or a matrix.
public protocol DrawnRows: Sendable {
    /// M, the number of rows.
    var count: Int { get }
    /// D, floats of a row.
    var dim: Int { get }
    /// Copies the rows with these numbers to `target`, `[rows.count, dim]`.
    @_lifetime(target: copy target)
    func copy(_ rows: Range<Int>, into target: inout MutableSpan<Float>)
    /// Gives `body` the rows with these numbers, `[rows.count, dim]`: where they lie, if that is
    /// one after the other, and otherwise copied to `memory`, which has room for them.
    func withRows(_ rows: Range<Int>, _ memory: inout Tensor, _ body: (Span<Float>) -> Void)
}

extension DrawnRows {
    /// Copies the rows to `memory` and gives them to `body`.
    public func withRows(
        _ rows: Range<Int>, _ memory: inout Tensor, _ body: (Span<Float>) -> Void
    ) {
        withCopies(of: rows, memory: &memory, body)
    }

    /// Copies the rows to `memory` and gives them to `body`.
    public func withCopies(
        of rows: Range<Int>, memory: inout Tensor, _ body: (Span<Float>) -> Void
    ) {
        var span = memory.mutableSpan
        var part = span._mutatingExtracting(0..<(rows.count * dim))
        copy(rows, into: &part)
        body(part.span)
    }
}

/// The rows of a matrix `[M, D]`.
public struct MatrixRows: DrawnRows {
    private let matrix: Tensor

    /// All rows of a matrix.
    public init(_ matrix: Tensor) {
        precondition(matrix.shape.rank == 2, "rows of shape \(matrix.shape)")
        self.matrix = matrix
    }

    /// M, the number of rows.
    public var count: Int { matrix.shape[0] }

    /// D, floats of a row.
    public var dim: Int { matrix.shape[1] }

    /// Copies the rows with these numbers to `target`.
    @_lifetime(target: copy target)
    public func copy(_ rows: Range<Int>, into target: inout MutableSpan<Float>) {
        Blocks.copy(
            matrix.span, from: rows.lowerBound * dim, count: rows.count * dim, into: &target, at: 0)
    }
}

/// How drawn rows are cut: into shards, whose sums are combined in rising order, and those into
/// blocks, which a core works on while they are in its cache.
///
/// Shards are those of the MLCD sheet, section 3. Shards and blocks follow from the number of rows
/// alone, so threads decide no bit.
public struct RowShards: Sendable, Hashable {
    /// Shards at most: enough for the cores of a machine, few enough that a partial dL/dz of each
    /// of them may be held.
    public static let countMax = 64
    /// Rows of a block: with 512 floats each they and their tile take half of a second-level cache.
    public static let blockRows = 96

    /// M, the number of rows.
    public let rowCount: Int
    /// Rows of a shard; the last one may have fewer.
    public let shardRows: Int

    /// The shards of so many rows.
    ///
    /// - Parameter shardRows: another number of rows than that which follows from `rowCount`.
    public init(rowCount: Int, shardRows: Int? = nil) {
        precondition(rowCount >= 0 && shardRows ?? 1 > 0, "shards of \(rowCount) rows")
        let step = Self.countMax * Self.blockRows
        self.rowCount = rowCount
        self.shardRows = shardRows ?? max(1, (rowCount + step - 1) / step) * Self.blockRows
    }

    /// The number of shards.
    public var count: Int { (rowCount + shardRows - 1) / shardRows }

    /// The rows of a shard.
    public func rows(of shard: Int) -> Range<Int> {
        (shard * shardRows)..<min(rowCount, (shard + 1) * shardRows)
    }

    /// Blocks that cover a range of rows, in rising order.
    public static func blocks(of rows: Range<Int>) -> [Range<Int>] {
        stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows).map {
            $0..<min($0 + blockRows, rows.upperBound)
        }
    }
}
