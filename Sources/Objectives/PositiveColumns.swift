/// Which columns of the drawn rows are positive for which sample.
///
/// Compressed rows: sample i has the columns `columns[offsets[i] ..< offsets[i + 1]]`, rising and
/// without repetition (a class that is listed twice counts once, as a mask would have it).
public struct PositiveColumns: Sendable, Equatable {
    /// Where each sample's columns begin; one more entry than samples.
    public let offsets: [Int]
    /// Columns of all samples, rising within a sample.
    public let columns: [Int]
    /// The places in ``columns`` by rising column, then sample.
    private let order: [Int]

    /// The number of samples.
    public var sampleCount: Int { offsets.count - 1 }

    /// The columns of each sample; entries of -1 are padding and left out.
    ///
    /// - Precondition: no entry is below -1.
    public init(_ lists: [[Int]]) {
        var offsets = [0]
        var columns: [Int] = []
        for list in lists {
            let first = columns.count
            for column in list.sorted() where column != -1 {
                precondition(column >= 0, "a positive column of \(column)")
                if columns.count == first || columns[columns.count - 1] != column {
                    columns.append(column)
                }
            }
            offsets.append(columns.count)
        }
        self.offsets = offsets
        self.columns = columns
        order = columns.indices.sorted { (columns[$0], $0) < (columns[$1], $1) }
    }

    /// The columns of `count` samples, `width` entries each, -1 where a sample has fewer.
    ///
    /// - Precondition: `targets.count` is `count * width`.
    public init(_ targets: [Int], count: Int, width: Int) {
        precondition(
            targets.count == count * width, "\(targets.count) targets for \(count) x \(width)")
        self.init((0..<count).map { Array(targets[($0 * width)..<(($0 + 1) * width)]) })
    }

    /// The places in ``columns`` of those columns that lie in `range`, by rising column, then
    /// sample.
    public func byColumn(in range: Range<Int>) -> ArraySlice<Int> {
        order[firstPlace(from: range.lowerBound)..<firstPlace(from: range.upperBound)]
    }

    /// Where in ``order`` the columns from `column` on begin.
    private func firstPlace(from column: Int) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if columns[order[middle]] < column { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
