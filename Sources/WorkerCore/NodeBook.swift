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

/// The worker's `ResultBook` on a thread of its own, since it adds gradients.
actor NodeBook {
    private let executor = ThreadExecutor(name: "pleiad sums")
    private var results: ResultBook<NodePayload>

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    /// A book for steps of so many slices.
    init(slices: Int, isSumming: Bool) {
        results = ResultBook(slices: slices, isSumming: isSumming)
    }

    deinit { executor.stop() }

    /// A slice is leased; see `ResultBook`.
    func lease(_ slice: Int, of key: StepKey, stepSamples: Int) -> [LeavingNode] {
        results.lease(slice, of: key, stepSamples: stepSamples)
    }

    /// Takes the result of a slice and returns the nodes that are to be sent now.
    func deliver(
        _ slice: Int, of key: StepKey, _ payload: NodePayload, isCurrent: Bool
    ) -> [LeavingNode] {
        results.deliver(slice, of: key, payload, isCurrent: isCurrent, adding: NodePayload.sum)
    }

    /// A slice ends without a result.
    func drop(_ slice: Int, of key: StepKey) -> [LeavingNode] { results.drop(slice, of: key) }

    /// A node has arrived, or is not wanted.
    func settle(_ node: TreeNode, of key: StepKey) { results.settle(node, of: key) }

    /// A life is over: its leases are gone, its results are kept.
    func endLife() { results.endLife() }
}
