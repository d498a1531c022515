/// One node of the gradient tree: the slices `lo ..< hi` of a step.
///
/// A node splits at `lo` plus the largest power of two below `hi - lo`, so that the shape of the
/// tree, and with it the association of every sum, follows from the number of slices alone.
public struct TreeNode: Hashable, Sendable, CustomStringConvertible {
    /// The first slice of the node.
    public let lo: Int
    /// One past the last slice of the node.
    public let hi: Int

    /// A node over the slices `lo ..< hi`.
    ///
    /// - Precondition: `0 <= lo < hi`. Numbers from outside go through
    ///   ``GradientTree/node(lo:hi:)``.
    public init(lo: Int, hi: Int) {
        precondition(lo >= 0, "a tree node begins at slice 0 or later")
        precondition(lo < hi, "a tree node holds at least one slice")
        self.lo = lo
        self.hi = hi
    }

    /// The leaf of one slice.
    public static func leaf(_ slice: Int) -> TreeNode {
        TreeNode(lo: slice, hi: slice + 1)
    }

    /// Whether the node is a single slice.
    public var isLeaf: Bool { hi - lo == 1 }

    /// The slices that the node covers.
    public var slices: Range<Int> { lo..<hi }

    /// The slice at which the node splits, or nil for a leaf.
    public var split: Int? {
        guard !isLeaf else { return nil }
        let below = hi - lo - 1  // the largest power of two <= below is the one < hi - lo
        return lo + (1 << (Int.bitWidth - 1 - below.leadingZeroBitCount))
    }

    /// The two halves of the node, lower slices first, or nil for a leaf.
    public var children: (left: TreeNode, right: TreeNode)? {
        guard let middle = split else { return nil }
        return (TreeNode(lo: lo, hi: middle), TreeNode(lo: middle, hi: hi))
    }

    /// Whether every slice of `other` is one of this node's.
    public func contains(_ other: TreeNode) -> Bool {
        lo <= other.lo && other.hi <= hi
    }

    /// The node as `lo..<hi`.
    public var description: String { "\(lo)..<\(hi)" }
}
