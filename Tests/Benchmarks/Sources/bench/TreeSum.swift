internal import Kernels
internal import Optimizers
internal import Synchronization
internal import Tensors

/// What a slice adds to its step: gradient, batch-norm statistics and loss.
struct SliceSum {
    /// Of the step's loss, `[P]`.
    var gradient: Tensor
    /// Batch-norm means and variances, `[Q]`.
    var statistics: Tensor
    /// The slice's part in the step's loss.
    var loss: Double

    /// Adds the right sibling, in the memory of the left one.
    mutating func add(_ right: SliceSum) {
        Self.add(right.gradient, to: &gradient)
        if statistics.count > 0 { Self.add(right.statistics, to: &statistics) }
        loss += right.loss
    }

    private static func add(_ right: Tensor, to left: inout Tensor) {
        var span = left.mutableSpan
        Vector.add(right.span, to: &span)
    }
}

/// The sum over a step's slices in the order of the gradient tree, made by the threads that
/// compute the slices: who brings the second of two siblings adds them.
final class TreeSum: Sendable {
    /// Where a node of the tree is added, by its number.
    private struct Link {
        let parent: Int
        let sibling: Int
        let isLeft: Bool
    }

    private let links: [Link?]
    private let leaves: [Int]
    private let waiting: Mutex<[SliceSum?]>

    /// A sum over slices that all hold samples.
    init(_ tree: GradientTree) {
        var nodes = [tree.root]
        var next = 0
        while next < nodes.count {
            if let (left, right) = nodes[next].children { nodes += [left, right] }
            next += 1
        }
        let number = { (node: TreeNode?) in node.flatMap { nodes.firstIndex(of: $0) } }
        links = nodes.map { node in
            guard let parent = number(tree.parent(of: node)),
                let sibling = tree.sibling(of: node), let other = number(sibling)
            else { return nil }
            return Link(parent: parent, sibling: other, isLeft: node.lo < sibling.lo)
        }
        leaves = (0..<tree.sliceCount).map { slice in
            guard let leaf = number(.leaf(slice)) else {
                preconditionFailure("the tree has no leaf \(slice)")
            }
            return leaf
        }
        waiting = Mutex(Array(repeating: nil, count: nodes.count))
    }

    /// Takes a slice's part.
    func deliver(_ slice: Int, _ part: consuming SliceSum) {
        var node = leaves[slice]
        var sum: SliceSum? = part
        while let link = links[node] {
            let other = waiting.withLock { waiting -> SliceSum? in
                if let other = waiting[link.sibling].take() { return other }
                waiting[node] = sum.take()
                return nil
            }
            guard let other, let mine = sum.take() else { return }
            sum = Self.added(mine, other, mineIsLeft: link.isLeft)
            node = link.parent
        }
        waiting.withLock { $0[node] = sum.take() }
    }

    /// The sum once every slice has been delivered; it is handed out once.
    func takeTotal() -> SliceSum? { waiting.withLock { $0[0].take() } }

    private static func added(
        _ mine: consuming SliceSum, _ other: consuming SliceSum, mineIsLeft: Bool
    ) -> SliceSum {
        if mineIsLeft {
            mine.add(other)
            return mine
        }
        other.add(mine)
        return other
    }
}
