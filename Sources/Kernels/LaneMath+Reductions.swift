public import Buffers

extension LaneMath {
    /// The sum of eight lanes as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
    @inlinable @inline(__always)
    public static func sum(_ x: Lanes) -> Float {
        let four = x.lowHalf + x.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    /// The largest of eight lanes.
    @inlinable @inline(__always)
    public static func maximum(_ x: Lanes) -> Float {
        var four = x.lowHalf
        four.replace(with: x.highHalf, where: x.highHalf .> four)
        var two = four.lowHalf
        two.replace(with: four.highHalf, where: four.highHalf .> two)
        return two[1] > two[0] ? two[1] : two[0]
    }

    /// The larger lane of each pair; that of `x` where `y` is NaN.
    @inlinable @inline(__always)
    public static func maximum(_ x: Lanes, _ y: Lanes) -> Lanes {
        var result = x
        result.replace(with: y, where: y .> x)
        return result
    }
}
