/// Eight floats that are computed together: one AVX2 register.
public typealias Lanes = SIMD8<Float>

/// The number of floats in `Lanes`.
@inlinable @inline(__always) public var laneCount: Int { 8 }

/// Whole lanes compile to one load or store. The parts at the end of a vector go through calls
/// on purpose: inlined, their single elements would make the compiler split the lanes of the
/// main loop beside them (measured: ten times slower).
extension Span<Float> {
    /// The eight floats from `index` on.
    @inlinable @inline(__always)
    public func lanes(at index: Int) -> Lanes {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index &* 4, as: Lanes.self)
    }

    /// The `count` floats from `index` on, fewer than eight, with zeros behind them.
    @inline(never)
    public func lanes(at index: Int, count: Int) -> Lanes {
        var result = Lanes(repeating: 0)
        for lane in 0..<count { result[lane] = self[index &+ lane] }
        return result
    }

    /// Eight floats from `index` on, or the `count` that there are, with zeros behind them.
    @inlinable @inline(__always)
    public func lanes(at index: Int, upTo count: Int) -> Lanes {
        count >= 8 ? lanes(at: index) : lanes(at: index, count: count)
    }
}

extension MutableSpan<Float> {
    /// The eight floats from `index` on.
    @inlinable @inline(__always)
    public func lanes(at index: Int) -> Lanes {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index &* 4, as: Lanes.self)
    }

    /// The `count` floats from `index` on, fewer than eight, with zeros behind them.
    @inline(never)
    public func lanes(at index: Int, count: Int) -> Lanes {
        var result = Lanes(repeating: 0)
        for lane in 0..<count { result[lane] = self[index &+ lane] }
        return result
    }

    /// Eight floats from `index` on, or the `count` that there are, with zeros behind them.
    @inlinable @inline(__always)
    public func lanes(at index: Int, upTo count: Int) -> Lanes {
        count >= 8 ? lanes(at: index) : lanes(at: index, count: count)
    }

    /// Writes eight floats from `index` on.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setLanes(_ value: Lanes, at index: Int) {
        var raw = unsafe mutableBytes
        raw.storeBytes(of: value, toByteOffset: index &* 4, as: Lanes.self)
    }

    /// Writes the first `count` of eight floats from `index` on.
    @inline(never) @_lifetime(self: copy self)
    public mutating func setLanes(_ value: Lanes, at index: Int, count: Int) {
        for lane in 0..<count { self[index &+ lane] = value[lane] }
    }

    /// Writes eight floats from `index` on, or the `count` that there is room for.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setLanes(_ value: Lanes, at index: Int, upTo count: Int) {
        if count >= 8 {
            setLanes(value, at: index)
        } else {
            setLanes(value, at: index, count: count)
        }
    }
}

extension SIMD8<Float> {
    /// The bits of each lane.
    @inlinable @inline(__always)
    public var bitPattern: SIMD8<Int32> { unsafe unsafeBitCast(self, to: SIMD8<Int32>.self) }

    /// Makes lanes from their bits.
    @inlinable @inline(__always)
    public init(bitPattern: SIMD8<Int32>) {
        self = unsafe unsafeBitCast(bitPattern, to: Self.self)
    }
}
