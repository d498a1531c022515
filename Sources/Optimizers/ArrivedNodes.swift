/// The coordinator's part of the gradient tree: sums that arrived, and which nodes are done.
///
/// A node is done when it arrived or when both its children are done. A node that arrives
/// replaces descendants that are already there, and is dropped if it or an ancestor is done
/// (design, section 2.6). Additions are those of the tree, whatever the order of arrival.
public struct ArrivedNodes<Payload> {
    /// What became of an arriving node.
    public enum Arrival: Sendable, Equatable {
        /// Taken; `replaced` are the nodes below it that were there before, by rising slice.
        case taken(replaced: [TreeNode])
        /// Not needed: it or an ancestor was done already.
        case late
    }

    /// The tree of the step.
    public let tree: GradientTree
    /// The sums that are here, none inside another, by rising slice.
    public private(set) var nodes: [SummedNode<Payload>] = []

    /// The state at the opening of a step, before anything arrived.
    public init(tree: GradientTree) {
        self.tree = tree
    }

    /// The sum over all slices once everything has arrived, otherwise nil.
    public var total: Payload? {
        guard let only = nodes.first, only.node == tree.root else { return nil }
        return only.payload
    }

    /// Whether every slice of `node` that holds samples is covered by what arrived.
    public func isDone(_ node: TreeNode) -> Bool {
        missingSlices(in: node).isEmpty
    }

    /// The slices of `node` that hold samples and that nothing here covers yet, rising.
    public func missingSlices(in node: TreeNode) -> [Int] {
        node.slices.filter { slice in
            !tree.isEmpty(.leaf(slice)) && !nodes.contains { $0.node.slices.contains(slice) }
        }
    }

    /// Takes an arriving node, or drops it if it came too late.
    ///
    /// - Parameters:
    ///   - node: a node of this tree that holds samples.
    ///   - payload: its sum.
    ///   - add: the sum of the left child (first) and the right one (second).
    /// - Precondition: `node` is of this tree (see ``GradientTree/node(lo:hi:)``), not empty.
    public mutating func arrive(
        _ node: TreeNode, _ payload: Payload, adding add: (Payload, Payload) -> Payload
    ) -> Arrival {
        let arrived = tree.lifted(node)
        guard !nodes.contains(where: { $0.node.contains(arrived) }) else { return .late }
        let replaced = nodes.filter { arrived.contains($0.node) }.map(\.node)
        nodes.removeAll { arrived.contains($0.node) }
        var current = SummedNode(node: arrived, payload: payload)
        while let parent = tree.parent(of: current.node),
            let sibling = tree.sibling(of: current.node),
            let place = nodes.firstIndex(where: { $0.node == sibling })
        {
            let other = nodes.remove(at: place)
            let sum =
                current.node.lo < other.node.lo
                ? add(current.payload, other.payload) : add(other.payload, current.payload)
            current = SummedNode(node: tree.lifted(parent), payload: sum)
        }
        let place = nodes.firstIndex { $0.node.lo > current.node.lo } ?? nodes.endIndex
        nodes.insert(current, at: place)
        return .taken(replaced: replaced)
    }
}

extension ArrivedNodes: Sendable where Payload: Sendable {}
