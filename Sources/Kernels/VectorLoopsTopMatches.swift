internal import Buffers

/// The best `depth` columns of each row, over score tiles that come in rising column order.
///
/// Higher scores come first; of equal scores the lower column comes first. NaN never enters.
public struct TopMatches: Sendable {
    /// Number of rows.
    public let rowCount: Int
    /// Columns kept for each row.
    public let depth: Int
    /// `[rowCount, depth]`, best first; minus infinity where fewer columns were seen.
    public private(set) var scores: [Float]
    /// `[rowCount, depth]`, the columns of `scores`; -1 where fewer columns were seen.
    public private(set) var columns: [Int32]

    /// Lists that have seen no column yet.
    public init(rowCount: Int, depth: Int) {
        precondition(rowCount >= 0 && depth > 0, "\(rowCount) rows, depth \(depth)")
        self.rowCount = rowCount
        self.depth = depth
        scores = Array(repeating: -.infinity, count: rowCount * depth)
        columns = Array(repeating: -1, count: rowCount * depth)
    }

    /// Takes in the scores of `width` further columns.
    ///
    /// - Parameters:
    ///   - tile: `[rowCount, width]`, contiguous.
    ///   - first: column number of the tile's column 0, above all columns seen before.
    ///   - offsets: added to each score of a column before it is compared; `[width]` or empty.
    public mutating func merge(
        _ tile: Span<Float>, width: Int, firstColumn first: Int, offsets: Span<Float>
    ) {
        precondition(tile.count >= rowCount * width, "\(tile.count) < \(rowCount) x \(width)")
        precondition(offsets.isEmpty || offsets.count >= width, "\(offsets.count) offsets")
        for row in 0..<rowCount {
            let values = tile.extracting((row * width)..<((row + 1) * width))
            mergeRow(row, values, firstColumn: first, offsets: offsets)
        }
    }

    /// Eight columns at a time are compared with the worst score kept; only those that beat it
    /// are looked at one by one.
    private mutating func mergeRow(
        _ row: Int, _ values: Span<Float>, firstColumn first: Int, offsets: Span<Float>
    ) {
        let width = values.count
        var worst = scores[(row + 1) * depth - 1]
        var column = 0
        while column < width {
            let count = min(Lanes.scalarCount, width - column)
            var lanes = values.lanes(at: column, upTo: count)
            if !offsets.isEmpty { lanes += offsets.lanes(at: column, upTo: count) }
            if any(lanes .> worst) {
                for lane in 0..<count where lanes[lane] > worst {
                    insert(lanes[lane], column: first + column + lane, row: row)
                    worst = scores[(row + 1) * depth - 1]
                }
            }
            column += Lanes.scalarCount
        }
    }

    private mutating func insert(_ value: Float, column: Int, row: Int) {
        let base = row * depth
        var place = depth - 1
        while place > 0, scores[base + place - 1] < value {
            scores[base + place] = scores[base + place - 1]
            columns[base + place] = columns[base + place - 1]
            place -= 1
        }
        scores[base + place] = value
        columns[base + place] = Int32(column)
    }
}

/// The columns of each row whose score is at least `threshold`, in rising order.
///
/// - Parameters:
///   - tile: `[rowCount, width]`, contiguous.
///   - first: column number of the tile's column 0.
///   - found: receives (column, score) at the row's place.
public func appendColumns(
    of tile: Span<Float>, width: Int, firstColumn first: Int, reaching threshold: Float,
    to found: inout [[(column: Int32, score: Float)]]
) {
    precondition(tile.count >= found.count * width, "\(tile.count) < \(found.count) x \(width)")
    for row in 0..<found.count {
        for column in 0..<width where tile[row * width + column] >= threshold {
            found[row].append((Int32(first + column), tile[row * width + column]))
        }
    }
}
