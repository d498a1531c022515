/// The fixed binary tree over the slices of a step, up which gradients and named sums are added.
///
/// Slices without samples are skipped: a node whose sibling holds only such slices stands for its
/// parent as it is, and nothing is added to it (adding zeros would turn -0 into +0).
public struct GradientTree: Sendable, Equatable {
    /// The number of slices of a step, those without samples included.
    public let sliceCount: Int
    /// Element i: how many slices below i hold samples.
    private let occupiedBefore: [Int]

    /// A tree over `sliceCount` slices, each of which holds samples.
    ///
    /// - Precondition: `sliceCount >= 1`.
    public init(sliceCount: Int) {
        self.init(occupied: Array(repeating: true, count: sliceCount))
    }

    /// A tree over the slices of a batch: slice s holds the samples
    /// `s * batch / sliceCount ..< (s + 1) * batch / sliceCount` (rounded down).
    ///
    /// - Precondition: `sliceCount >= 1`, `batch >= 1`.
    public init(sliceCount: Int, batch: Int) {
        self.init(
            occupied: (0..<sliceCount).map { slice in
                slice * batch / sliceCount < (slice + 1) * batch / sliceCount
            })
    }

    /// A tree in which slice s takes part if `occupied[s]`.
    ///
    /// - Precondition: at least one slice is occupied.
    public init(occupied: [Bool]) {
        precondition(occupied.contains(true), "a step has at least one slice with samples")
        var before = [0]
        before.reserveCapacity(occupied.count + 1)
        for isOccupied in occupied {
            before.append(before[before.count - 1] + (isOccupied ? 1 : 0))
        }
        sliceCount = occupied.count
        occupiedBefore = before
    }

    /// The node over all slices.
    public var root: TreeNode { TreeNode(lo: 0, hi: sliceCount) }

    /// The slices that hold samples, rising.
    public var occupiedSlices: [Int] {
        (0..<sliceCount).filter { !isEmpty(.leaf($0)) }
    }

    /// How many slices of `node` hold samples.
    public func occupiedCount(in node: TreeNode) -> Int {
        precondition(node.hi <= sliceCount, "node \(node) lies outside \(sliceCount) slices")
        return occupiedBefore[node.hi] - occupiedBefore[node.lo]
    }

    /// Whether no slice of `node` holds samples.
    public func isEmpty(_ node: TreeNode) -> Bool { occupiedCount(in: node) == 0 }

    /// The node `lo ..< hi` of this tree, or nil if the tree has no such node: the check for
    /// numbers that come from outside.
    public func node(lo: Int, hi: Int) -> TreeNode? {
        guard lo >= 0, lo < hi, hi <= sliceCount else { return nil }
        let node = TreeNode(lo: lo, hi: hi)
        return path(to: node) == nil ? nil : node
    }

    /// The nodes from the root down to `node`, both included, or nil if it is not of this tree.
    public func path(to node: TreeNode) -> [TreeNode]? {
        guard node.hi <= sliceCount else { return nil }
        var path = [root]
        var current = root
        while current != node {
            guard let (left, right) = current.children else { return nil }
            if left.contains(node) {
                current = left
            } else if right.contains(node) {
                current = right
            } else {
                return nil
            }
            path.append(current)
        }
        return path
    }

    /// The nodes from the root down to the leaf of `slice`, both included.
    ///
    /// - Precondition: `0 <= slice < sliceCount`.
    public func path(toLeaf slice: Int) -> [TreeNode] {
        guard let path = path(to: .leaf(slice)) else {
            preconditionFailure("slice \(slice) lies outside \(sliceCount) slices")
        }
        return path
    }

    /// The node above, or nil for the root.
    ///
    /// - Precondition: `node` is of this tree.
    public func parent(of node: TreeNode) -> TreeNode? {
        guard let path = path(to: node) else {
            preconditionFailure("\(node) is no node of a tree over \(sliceCount) slices")
        }
        return path.count < 2 ? nil : path[path.count - 2]
    }

    /// The other child of the node's parent, or nil for the root.
    ///
    /// - Precondition: `node` is of this tree.
    public func sibling(of node: TreeNode) -> TreeNode? {
        guard let (left, right) = parent(of: node)?.children else { return nil }
        return node == left ? right : left
    }

    /// The highest node whose sum is the sum of `node`: it climbs while the sibling is empty.
    ///
    /// - Precondition: `node` is of this tree and not empty.
    public func lifted(_ node: TreeNode) -> TreeNode {
        precondition(!isEmpty(node), "\(node) holds no samples")
        var current = node
        while let sibling = sibling(of: current), isEmpty(sibling) {
            guard let parent = parent(of: current) else { break }
            current = parent
        }
        return current
    }
}
