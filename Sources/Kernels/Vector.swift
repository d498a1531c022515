public import Buffers

/// Loops over whole vectors.
///
/// Element-wise loops give an element the same bits at any offset and in a vector of any length:
/// the last elements go through the same operations, padded with zeros. Inputs and output of a
/// call have equal counts. Sums keep 32 lanes: element i is added to lane i mod 32, then lanes
/// l, l + 8, l + 16, l + 24 are added as (0 + 8) + (16 + 24), then the eight that remain as
/// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
public enum Vector {
    /// y = f(x), element by element.
    @inlinable @inline(__always) @_lifetime(y: copy y)
    static func map(
        _ x: Span<Float>, into y: inout MutableSpan<Float>, _ f: (Lanes) -> Lanes
    ) {
        let count = x.count
        precondition(y.count == count, "vectors differ in count")
        var index = 0
        while index &+ 8 <= count {
            y.setLanes(f(x.lanes(at: index)), at: index)
            index &+= 8
        }
        if index < count {
            let rest = count &- index
            y.setLanes(f(x.lanes(at: index, count: rest)), at: index, count: rest)
        }
    }

    /// y = f(y), element by element.
    @inlinable @inline(__always) @_lifetime(y: copy y)
    static func update(_ y: inout MutableSpan<Float>, _ f: (Lanes) -> Lanes) {
        let count = y.count
        var index = 0
        while index &+ 8 <= count {
            y.setLanes(f(y.lanes(at: index)), at: index)
            index &+= 8
        }
        if index < count {
            let rest = count &- index
            y.setLanes(f(y.lanes(at: index, count: rest)), at: index, count: rest)
        }
    }

    /// z = f(x, y), element by element.
    @inlinable @inline(__always) @_lifetime(z: copy z)
    static func map(
        _ x: Span<Float>, _ y: Span<Float>, into z: inout MutableSpan<Float>,
        _ f: (Lanes, Lanes) -> Lanes
    ) {
        let count = x.count
        precondition(y.count == count && z.count == count, "vectors differ in count")
        var index = 0
        while index &+ 8 <= count {
            z.setLanes(f(x.lanes(at: index), y.lanes(at: index)), at: index)
            index &+= 8
        }
        if index < count {
            let rest = count &- index
            let value = f(x.lanes(at: index, count: rest), y.lanes(at: index, count: rest))
            z.setLanes(value, at: index, count: rest)
        }
    }

    /// y = f(x, y), element by element.
    @inlinable @inline(__always) @_lifetime(y: copy y)
    static func update(
        _ y: inout MutableSpan<Float>, with x: Span<Float>, _ f: (Lanes, Lanes) -> Lanes
    ) {
        let count = x.count
        precondition(y.count == count, "vectors differ in count")
        var index = 0
        while index &+ 8 <= count {
            y.setLanes(f(x.lanes(at: index), y.lanes(at: index)), at: index)
            index &+= 8
        }
        if index < count {
            let rest = count &- index
            let value = f(x.lanes(at: index, count: rest), y.lanes(at: index, count: rest))
            y.setLanes(value, at: index, count: rest)
        }
    }
}
