import Buffers

/// Moves blocks of floats about; no arithmetic.
public enum Blocks {
    /// Copies one block out of every `stride` floats of x into one block of every stride of y.
    @_lifetime(y: copy y)
    public static func copy(
        _ x: Span<Float>, stride strideX: Int, offset offsetX: Int, length: Int,
        into y: inout MutableSpan<Float>, stride strideY: Int, offset offsetY: Int
    ) {
        guard length > 0 else { return }
        let blocks = Rows.rowCount(x.count, width: strideX)
        precondition(
            blocks * strideY == y.count && offsetX >= 0 && offsetX + length <= strideX
                && offsetY >= 0 && offsetY + length <= strideY, "blocks do not fit")
        for block in 0..<blocks {
            let (from, to) = (block &* strideX &+ offsetX, block &* strideY &+ offsetY)
            var index = 0
            while index &+ 8 <= length {
                y.setLanes(x.lanes(at: from &+ index), at: to &+ index)
                index &+= 8
            }
            while index < length {
                y[to &+ index] = x[from &+ index]
                index &+= 1
            }
        }
    }

    /// Copies `count` floats of x into y.
    @_lifetime(y: copy y)
    public static func copy(
        _ x: Span<Float>, from: Int = 0, count: Int? = nil, into y: inout MutableSpan<Float>,
        at to: Int
    ) {
        let count = count ?? x.count
        precondition(
            from >= 0 && to >= 0 && count <= x.count - from && count <= y.count - to,
            "\(count) floats from \(from) of \(x.count) to \(to) of \(y.count)")
        var index = 0
        while index < count {
            let part = min(8, count &- index)
            y.setLanes(x.lanes(at: from &+ index, upTo: part), at: to &+ index, upTo: part)
            index &+= 8
        }
    }

    /// Writes y from its first element to its last, taking from x by strides.
    ///
    /// - Parameters:
    ///   - extents: the extents of y, outermost first.
    ///   - strides: how far apart in x neighbours on each axis of y lie.
    @_lifetime(y: copy y)
    public static func gather(
        _ x: Span<Float>, extents: [Int], strides: [Int], into y: inout MutableSpan<Float>
    ) {
        precondition(extents.count == strides.count, "gather: axes differ")
        guard !y.isEmpty, let inner = extents.last, let step = strides.last else {
            if extents.isEmpty, !y.isEmpty { y[0] = x[0] }
            return
        }
        var place = [Int](repeating: 0, count: extents.count)
        var (from, to) = (0, 0)
        while to < y.count {
            for index in 0..<inner { y[to &+ index] = x[from &+ index &* step] }
            to &+= inner
            // The next row: count up like an odometer.
            var axis = extents.count - 2
            while axis >= 0 {
                place[axis] += 1
                from += strides[axis]
                if place[axis] < extents[axis] { break }
                from -= strides[axis] * extents[axis]
                place[axis] = 0
                axis -= 1
            }
        }
    }
}
