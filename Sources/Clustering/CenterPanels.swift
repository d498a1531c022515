internal import Kernels
internal import Tensors

/// Centers packed for the products with many samples.
///
/// The score of a sample x and a center c is x c, or x c - |c|^2 / 2 for Euclidean distance (which
/// is highest where |x - c|^2 is lowest). It is one chain of fused multiply-adds from the first
/// feature to the last, so its bits depend on x and c alone: not on the other samples and centers,
/// nor on who computes it.
struct CenterPanels: Sendable {
    /// Centers.
    let count: Int
    /// Features of a center.
    let dim: Int
    /// `[panels, dim, width]`, see `PanelProduct`.
    private let panels: Tensor
    /// What the chain of each center begins with; empty for zeros.
    private let starts: [Float]

    /// Columns that belong together: a whole number of panels whatever their width.
    static let columnsUnit = 48
    /// Columns that are scored at a time.
    static let columnsMax = 2 * columnsUnit

    /// Samples that are scored at a time: they stay in a second-level cache with their scores, and
    /// are enough that reading all centers for them costs little.
    static func rowsMax(dim: Int) -> Int { min(192, max(96, (48 << 10) / dim / 8 * 8)) }

    /// Packs centers `[count, dim]`.
    init(_ centers: Tensor, spherical: Bool) {
        (count, dim) = (centers.shape[0], centers.shape[1])
        var panels = Tensor(
            uninitialized: [PanelProduct.floatCount(rows: dim, columns: count)])
        var output = panels.mutableSpan
        PanelProduct.packTransposed(centers.span, rows: dim, columns: count, into: &output)
        self.panels = panels
        starts = spherical ? [] : halfSquaredNorms(centers).map { -$0 }
    }

    /// The scores of some samples against all centers, a few columns at a time.
    ///
    /// - Parameters:
    ///   - rows: `[m, dim]`, at most `rowsMax` of them.
    ///   - scores: room for `[m, columnsMax]`.
    ///   - body: is given a tile `[m, columns.count]`; they come in rising order of columns.
    @inline(__always) @_lifetime(scores: copy scores)
    func forEachTile(
        _ rows: Span<Float>, _ m: Int, scores: inout MutableSpan<Float>,
        _ body: (_ tile: Span<Float>, _ columns: Range<Int>) -> Void
    ) {
        for first in stride(from: 0, to: count, by: Self.columnsMax) {
            let columns = first..<min(count, first + Self.columnsMax)
            score(rows, m, columns, into: &scores)
            body(scores.span.extracting(0..<(m * columns.count)), columns)
        }
    }

    /// The scores of some samples against some centers that follow each other.
    ///
    /// - Parameters:
    ///   - rows: `[m, dim]`.
    ///   - columns: begin at a multiple of `columnsUnit`.
    ///   - scores: its first floats become `[m, columns.count]`.
    @_lifetime(scores: copy scores)
    func score(
        _ rows: Span<Float>, _ m: Int, _ columns: Range<Int>,
        into scores: inout MutableSpan<Float>
    ) {
        precondition(columns.lowerBound % Self.columnsUnit == 0, "centers \(columns)")
        var tile = scores._mutatingExtracting(0..<(m * columns.count))
        let first = columns.lowerBound * dim
        let floats = PanelProduct.floatCount(rows: dim, columns: columns.count)
        PanelProduct.multiply(
            m: m, n: columns.count, k: dim, a: rows,
            panels: panels.span.extracting(first..<(first + floats)),
            bias: starts.isEmpty ? Span() : starts.span.extracting(columns), c: &tile)
    }
}

/// |c|^2 / 2 of each row.
func halfSquaredNorms(_ centers: Tensor) -> [Float] {
    let d = centers.shape[1]
    return (0..<centers.shape[0]).map { row in
        Vector.sumOfSquares(centers.span.extracting((row * d)..<((row + 1) * d))) / 2
    }
}
