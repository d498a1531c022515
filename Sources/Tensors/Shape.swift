/// The extents of a tensor, outermost axis first; `[]` is the shape of a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The most axes that a tensor has.
    public static let rankMax = 8

    /// The number of axes.
    public let rank: Int
    private let extents: SIMD8<Int32>

    /// Makes a shape from extents that are known to be sound; a wrong one is a bug and traps.
    public init(_ dims: [Int]) {
        guard let shape = Shape(checking: dims) else {
            preconditionFailure("not a shape: \(dims)")
        }
        self = shape
    }

    /// Makes a shape from extents that come from outside.
    ///
    /// Returns `nil` if there are more than `rankMax` axes, if an extent is negative or exceeds
    /// `Int32.max`, or if the number of bytes of such a tensor overflows.
    public init?(checking dims: [Int]) {
        guard dims.count <= Self.rankMax else { return nil }
        var extents = SIMD8<Int32>(repeating: 1)
        var bytes = 4
        for (axis, extent) in dims.enumerated() {
            guard extent >= 0, extent <= Int(Int32.max) else { return nil }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            bytes = product
            extents[axis] = Int32(extent)
        }
        rank = dims.count
        self.extents = extents
    }

    /// Makes a shape from its extents.
    public init(arrayLiteral dims: Int...) { self.init(dims) }

    /// The extents as an array.
    public var dims: [Int] { (0..<rank).map { Int(extents[$0]) } }

    /// The number of elements: the product of the extents, 1 for a scalar.
    public var count: Int {
        var product = 1
        for axis in 0..<rank { product *= Int(extents[axis]) }
        return product
    }

    /// The extent of an axis, counted from the outermost.
    public subscript(axis: Int) -> Int {
        precondition(axis >= 0 && axis < rank, "shape \(self) has no axis \(axis)")
        return Int(extents[axis])
    }

    /// The extent of the innermost axis, 1 for a scalar.
    public var last: Int { rank == 0 ? 1 : Int(extents[rank - 1]) }

    /// The number of rows of length `last`.
    public var rowCount: Int {
        var product = 1
        for axis in 0..<max(0, rank - 1) { product *= Int(extents[axis]) }
        return product
    }

    /// The same shape with another extent on one axis.
    public func replacing(axis: Int, with extent: Int) -> Shape {
        precondition(axis >= 0 && axis < rank, "shape \(self) has no axis \(axis)")
        var dims = dims
        dims[axis] = extent
        return Shape(dims)
    }

    /// The extents in brackets, such as `[32, 1, 28, 28]`.
    public var description: String { "\(dims)" }
}
