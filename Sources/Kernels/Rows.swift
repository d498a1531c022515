import Buffers

/// Loops over the rows of packed row-major matrices.
public enum Rows {
    /// Every row of `matrix` becomes `row`.
    @_lifetime(matrix: copy matrix)
    public static func fill(_ matrix: inout MutableSpan<Float>, with row: Span<Float>) {
        update(&matrix, with: row) { _, row in row }
    }

    /// Adds `row` to every row of `matrix`.
    @_lifetime(matrix: copy matrix)
    public static func add(_ row: Span<Float>, to matrix: inout MutableSpan<Float>) {
        update(&matrix, with: row) { $0 + $1 }
    }

    /// The sum of the rows of `matrix`, added from the first row to the last.
    @_lifetime(sums: copy sums)
    public static func columnSums(_ matrix: Span<Float>, into sums: inout MutableSpan<Float>) {
        let width = sums.count
        let height = rowCount(matrix.count, width: width)
        Vector.fill(&sums, with: 0)
        // Four rows at a time: streams, and one store for four additions.
        var row = 0
        while row &+ 4 <= height {
            let start = row &* width
            Vector.forEachLanes(width) { column, part in
                var sum = sums.lanes(at: column, upTo: part)
                var index = start &+ column
                for _ in 0..<4 {
                    sum += matrix.lanes(at: index, upTo: part)
                    index &+= width
                }
                sums.setLanes(sum, at: column, upTo: part)
            }
            row &+= 4
        }
        while row < height {
            let start = row &* width
            Vector.forEachLanes(width) { column, part in
                let sum =
                    sums.lanes(at: column, upTo: part)
                    + matrix.lanes(at: start &+ column, upTo: part)
                sums.setLanes(sum, at: column, upTo: part)
            }
            row &+= 1
        }
    }

    @inline(__always) @_lifetime(matrix: copy matrix)
    private static func update(
        _ matrix: inout MutableSpan<Float>, with row: Span<Float>,
        _ f: (Lanes, Lanes) -> Lanes
    ) {
        let width = row.count
        let height = rowCount(matrix.count, width: width)
        for start in stride(from: 0, to: height &* width, by: max(1, width)) {
            var column = 0
            while column &+ 8 <= width {
                let index = start &+ column
                matrix.setLanes(f(matrix.lanes(at: index), row.lanes(at: column)), at: index)
                column &+= 8
            }
            guard column < width else { continue }
            let rest = width &- column
            let index = start &+ column
            let value = f(
                matrix.lanes(at: index, count: rest), row.lanes(at: column, count: rest))
            matrix.setLanes(value, at: index, count: rest)
        }
    }

    /// The number of rows of so many floats; traps if the last is not whole.
    @inline(__always)
    static func rowCount(_ count: Int, width: Int) -> Int {
        guard width > 0 else { return 0 }
        precondition(count % width == 0, "\(count) floats are no rows of \(width)")
        return count / width
    }
}
