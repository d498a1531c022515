import Identity
import Messages
import Optimizers
import Threads

/// A node of the gradient tree as the worker sums it.
struct NodePayload: Sendable {
    var result: SliceResult
    /// One entry a slice, rising.
    var leaves: [Leaf]

    /// The parent of two siblings.
    static func sum(_ left: NodePayload, _ right: NodePayload) -> NodePayload {
        NodePayload(
            result: .sum(left.result, right.result), leaves: left.leaves + right.leaves)
    }
}

/// A node that is to be offered and delivered.
typealias LeavingNode = SummedNode<NodePayload>

/// What the worker's slots have computed of the open step and the coordinator has not got yet.
///
/// An actor on a thread of its own, since it adds gradients. Results outlast a life: what was not
/// delivered when a connection was lost is offered again once the same (step, version) is leased.
actor NodeBook {
    private let executor = ThreadExecutor(name: "pleiad sums")
    private let slices: Int
    private var key: StepKey?
    private var nodes: HeldNodes<NodePayload>?
    /// On their way in this life.
    private var leaving: [LeavingNode] = []
    /// Computed and not delivered in an earlier life.
    private var kept: [LeavingNode] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    /// A book for steps of so many slices.
    init(slices: Int) { self.slices = slices }

    deinit { executor.stop() }

    /// A slice is leased.
    ///
    /// Returns nodes of an earlier life that are now to be offered again.
    ///
    /// - Parameter stepSamples: decides which slices of the step are empty.
    func lease(_ slice: Int, of key: StepKey, stepSamples: Int) -> [LeavingNode] {
        if self.key != key {
            self.key = key
            nodes = HeldNodes(tree: GradientTree(sliceCount: slices, batch: stepSamples))
            leaving = []
            kept = []
        }
        nodes?.lease(slice)
        defer {
            leaving += kept
            kept = []
        }
        return kept
    }

    /// Takes the result of a slice and returns the nodes that are to be sent now.
    ///
    /// - Parameter isCurrent: whether the life that leased the slice goes on; otherwise the result
    ///   is kept for the next one.
    func deliver(
        _ slice: Int, of key: StepKey, _ payload: NodePayload, isCurrent: Bool
    ) -> [LeavingNode] {
        guard self.key == key else { return [] }
        guard isCurrent else {
            kept.append(SummedNode(node: .leaf(slice), payload: payload))
            return []
        }
        let released = nodes?.deliver(slice, payload, adding: NodePayload.sum) ?? []
        leaving += released
        return released
    }

    /// A slice ends without a result.
    ///
    /// Returns the nodes that no longer wait for it.
    func drop(_ slice: Int, of key: StepKey) -> [LeavingNode] {
        guard self.key == key else { return [] }
        let released = nodes?.drop(slice) ?? []
        leaving += released
        return released
    }

    /// A node has arrived, or is not wanted.
    func settle(_ node: TreeNode, of key: StepKey) {
        guard self.key == key else { return }
        leaving.removeAll { $0.node == node }
    }

    /// A life is over: its leases are gone, its results are kept.
    func endLife() {
        kept += leaving + (nodes?.releaseAll() ?? [])
        leaving = []
    }
}
