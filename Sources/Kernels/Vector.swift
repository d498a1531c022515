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

    /// The sum of `count` terms over 32 lanes, in the order that `Vector` documents.
    ///
    /// - Parameter add: adds the terms of `part` elements from `index` on to eight lanes; lanes
    ///   past `part`, where it is below eight, get zero.
    @inlinable @inline(__always)
    public static func reduce(
        _ count: Int, _ add: (_ sum: Lanes, _ index: Int, _ part: Int) -> Lanes
    ) -> Float {
        var (s0, s1) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var (s2, s3) = (s0, s1)
        var index = 0
        while index &+ 32 <= count {
            s0 = add(s0, index, 8)
            s1 = add(s1, index &+ 8, 8)
            s2 = add(s2, index &+ 16, 8)
            s3 = add(s3, index &+ 24, 8)
            index &+= 32
        }
        if index < count { s0 = add(s0, index, min(8, count &- index)) }
        if index &+ 8 < count { s1 = add(s1, index &+ 8, min(8, count &- index &- 8)) }
        if index &+ 16 < count { s2 = add(s2, index &+ 16, min(8, count &- index &- 16)) }
        if index &+ 24 < count { s3 = add(s3, index &+ 24, min(8, count &- index &- 24)) }
        return LaneMath.sum((s0 + s1) + (s2 + s3))
    }

    /// Calls `body` for eight elements after eight, and for the fewer that remain at the end.
    @inlinable @inline(__always)
    public static func forEachLanes(_ count: Int, _ body: (_ index: Int, _ part: Int) -> Void) {
        var index = 0
        while index &+ 8 <= count {
            body(index, 8)
            index &+= 8
        }
        if index < count { body(index, count &- index) }
    }
}
