import Buffers

extension Rows {
    /// z = x with `row` added to every row.
    @_lifetime(z: copy z)
    public static func add(
        _ x: Span<Float>, _ row: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        combine(x, row, into: &z) { $0 + $1 }
    }

    /// z = x with `row` subtracted from every row.
    @_lifetime(z: copy z)
    public static func subtract(
        _ x: Span<Float>, _ row: Span<Float>, into z: inout MutableSpan<Float>
    ) {
        combine(x, row, into: &z) { $0 - $1 }
    }

    /// z = f of every row of x and `row`.
    @inline(__always) @_lifetime(z: copy z)
    private static func combine(
        _ x: Span<Float>, _ row: Span<Float>, into z: inout MutableSpan<Float>,
        _ f: (Lanes, Lanes) -> Lanes
    ) {
        let width = row.count
        precondition(x.count == z.count, "rows differ in count")
        for height in 0..<rowCount(x.count, width: width) {
            let start = height &* width
            var column = 0
            while column < width {
                let (part, index) = (min(8, width &- column), start &+ column)
                let value = f(x.lanes(at: index, upTo: part), row.lanes(at: column, upTo: part))
                z.setLanes(value, at: index, upTo: part)
                column &+= 8
            }
        }
    }

    /// The mean of each row, summed in the order of `Vector`.
    @_lifetime(y: copy y)
    public static func means(_ x: Span<Float>, width: Int, into y: inout MutableSpan<Float>) {
        let height = rowCount(x.count, width: width)
        precondition(y.count == height, "means: \(height) rows, room for \(y.count)")
        for row in 0..<height {
            let start = row &* width
            let total = Vector.reduce(width) { sum, index, part in
                sum + x.lanes(at: start &+ index, upTo: part)
            }
            y[row] = total / Float(width)
        }
    }

    /// The mean over every `group` rows that follow each other, added from the first to the last.
    @_lifetime(y: copy y)
    public static func groupMeans(
        _ x: Span<Float>, group: Int, width: Int, into y: inout MutableSpan<Float>
    ) {
        let groups = rowCount(x.count, width: group * width)
        precondition(y.count == groups * width, "groupMeans: counts differ")
        let factor = Lanes(repeating: 1 / Float(group))
        for number in 0..<groups {
            var column = 0
            while column < width {
                let part = min(8, width &- column)
                var sum = Lanes(repeating: 0)
                var index = number &* group &* width &+ column
                for _ in 0..<group {
                    sum += x.lanes(at: index, upTo: part)
                    index &+= width
                }
                y.setLanes(sum * factor, at: number &* width &+ column, upTo: part)
                column &+= 8
            }
        }
    }

    /// The gradient of `groupMeans`: each row of g over `group`, for every row of its group.
    @_lifetime(y: copy y)
    public static func spreadMeans(
        _ g: Span<Float>, group: Int, width: Int, into y: inout MutableSpan<Float>
    ) {
        let groups = rowCount(y.count, width: group * width)
        precondition(g.count == groups * width, "spreadMeans: counts differ")
        let factor = 1 / Float(group)
        if width == 1 {
            for number in 0..<groups {
                let value = g[number] * factor
                for index in 0..<group { y[number &* group &+ index] = value }
            }
            return
        }
        for number in 0..<groups {
            var column = 0
            while column < width {
                let part = min(8, width &- column)
                let value = g.lanes(at: number &* width &+ column, upTo: part) * factor
                var index = number &* group &* width &+ column
                for _ in 0..<group {
                    y.setLanes(value, at: index, upTo: part)
                    index &+= width
                }
                column &+= 8
            }
        }
    }

    /// The gradient of `logSumExp` from its result l: e^(x - l) g of each row.
    @_lifetime(y: copy y)
    public static func logSumExpGradient(
        _ x: Span<Float>, _ l: Span<Float>, _ g: Span<Float>, width: Int,
        into y: inout MutableSpan<Float>
    ) {
        let height = rowCount(x.count, width: width)
        precondition(
            l.count == height && g.count == height && y.count == x.count,
            "logSumExp gradient: counts differ")
        for row in 0..<height {
            let (start, shift, factor) = (row &* width, Lanes(repeating: l[row]), g[row])
            var column = 0
            while column < width {
                let (part, index) = (min(8, width &- column), start &+ column)
                let value = LaneMath.exp(x.lanes(at: index, upTo: part) - shift) * factor
                y.setLanes(value, at: index, upTo: part)
                column &+= 8
            }
        }
    }
}
