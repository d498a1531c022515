/// A node of the gradient tree together with what was summed over its slices.
public struct SummedNode<Payload> {
    /// Which slices the payload covers.
    public let node: TreeNode
    /// The sum over the node's slices.
    public let payload: Payload

    /// A node with its sum.
    public init(node: TreeNode, payload: Payload) {
        self.node = node
        self.payload = payload
    }
}

extension SummedNode: Sendable where Payload: Sendable {}

/// A worker's part of the gradient tree: which sums it holds back, and when it lets them go.
///
/// The rule (design, section 2.6): two children that are both here are added at once; a node is
/// released as soon as the worker holds no lease on its sibling, because then nothing that this
/// worker does can complete the parent. A worker thus never waits for another one.
///
/// Whatever the order of deliveries, every addition that is made is `left + right` of the two
/// children of one node, so the association of a sum never depends on arrival.
public struct HeldNodes<Payload> {
    /// The tree of the step.
    public let tree: GradientTree
    /// The slices that the worker has leased and not yet delivered or lost, rising.
    public private(set) var leases: [Int] = []
    /// Sums that wait for a sibling, by rising slice.
    public private(set) var held: [SummedNode<Payload>] = []

    /// A worker that holds nothing of the step whose tree this is.
    public init(tree: GradientTree) {
        self.tree = tree
    }

    /// Records that the worker now has a lease on `slice`; a repetition changes nothing.
    ///
    /// - Precondition: the slice is of this step and holds samples.
    public mutating func lease(_ slice: Int) {
        precondition(slice >= 0 && slice < tree.sliceCount, "slice \(slice) is not of this step")
        precondition(!tree.isEmpty(.leaf(slice)), "slice \(slice) holds no samples")
        guard !leases.contains(slice) else { return }
        let place = leases.firstIndex { $0 > slice } ?? leases.endIndex
        leases.insert(slice, at: place)
    }

    /// Takes the result of a leased slice and returns the nodes that are to be sent now, by
    /// rising slice.
    ///
    /// - Parameters:
    ///   - slice: the slice that is done; its lease ends here.
    ///   - payload: what the slice adds.
    ///   - add: the sum of the left child (first) and the right one (second).
    /// - Returns: nodes to send; empty while a sibling is still leased here, and also if the
    ///   slice was not leased any more: its result is then dropped.
    public mutating func deliver(
        _ slice: Int, _ payload: Payload, adding add: (Payload, Payload) -> Payload
    ) -> [SummedNode<Payload>] {
        guard let place = leases.firstIndex(of: slice) else { return [] }
        leases.remove(at: place)
        insert(SummedNode(node: tree.lifted(.leaf(slice)), payload: payload), adding: add)
        return releaseLonely()
    }

    /// Ends a lease without a result (abandoned, handed back, failed) and returns the nodes that
    /// no longer wait for it, by rising slice.
    public mutating func drop(_ slice: Int) -> [SummedNode<Payload>] {
        leases.removeAll { $0 == slice }
        return releaseLonely()
    }

    /// Gives up all leases and returns everything that was held, by rising slice.
    public mutating func releaseAll() -> [SummedNode<Payload>] {
        leases = []
        defer { held = [] }
        return held
    }

    /// Puts a node in its place, adding upwards while the sibling is held too.
    private mutating func insert(
        _ arrived: SummedNode<Payload>, adding add: (Payload, Payload) -> Payload
    ) {
        var current = arrived
        while let parent = tree.parent(of: current.node),
            let sibling = tree.sibling(of: current.node),
            let place = held.firstIndex(where: { $0.node == sibling })
        {
            let other = held.remove(at: place)
            let isLeft = current.node.lo < other.node.lo
            let sum =
                isLeft
                ? add(current.payload, other.payload) : add(other.payload, current.payload)
            current = SummedNode(node: tree.lifted(parent), payload: sum)
        }
        let place = held.firstIndex { $0.node.lo > current.node.lo } ?? held.endIndex
        held.insert(current, at: place)
    }

    /// Removes and returns the held nodes whose sibling holds no leased slice.
    private mutating func releaseLonely() -> [SummedNode<Payload>] {
        var released: [SummedNode<Payload>] = []
        var kept: [SummedNode<Payload>] = []
        for entry in held {
            let sibling = tree.sibling(of: entry.node)
            if let sibling, leases.contains(where: { sibling.slices.contains($0) }) {
                kept.append(entry)
            } else {
                released.append(entry)
            }
        }
        held = kept
        return released
    }
}

extension HeldNodes: Sendable where Payload: Sendable {}
