package import Optimizers

/// What a worker has computed of the open step and the coordinator has not got yet.
///
/// Results outlast a life: what was not delivered when a connection was lost is offered again once
/// the same (step, version) is leased.
package struct ResultBook<Payload> {
    /// A node of the step's gradient tree that is to be offered and delivered.
    package typealias Node = SummedNode<Payload>

    /// A bug that a test has planted.
    package var flaw: WorkerFlaw?
    private let slices: Int
    /// Whether siblings are added up here; otherwise every result leaves as it is, at once.
    private let isSumming: Bool
    private var key: StepKey?
    private var nodes: HeldNodes<Payload>?
    /// On their way in this life.
    private var leaving: [Node] = []
    /// Computed and not delivered in an earlier life.
    private var kept: [Node] = []

    /// A book for steps of so many slices.
    package init(slices: Int, isSumming: Bool = true) {
        self.slices = slices
        self.isSumming = isSumming
    }

    /// Results that are held.
    package var count: Int { leaving.count + kept.count + (nodes?.held.count ?? 0) }

    /// A slice is leased.
    ///
    /// Returns nodes of an earlier life that are now to be offered again.
    ///
    /// - Parameter stepSamples: decides which slices of the step are empty.
    package mutating func lease(_ slice: Int, of key: StepKey, stepSamples: Int) -> [Node] {
        if self.key != key, flaw != .keepsOldSteps || self.key == nil {
            nodes = HeldNodes(tree: GradientTree(sliceCount: slices, batch: stepSamples))
            leaving = []
            kept = []
        }
        self.key = key
        if isSumming { nodes?.lease(slice) }
        defer {
            leaving += kept
            kept = []
        }
        return kept
    }

    /// Takes the result of a slice and returns the nodes that are to be sent now.
    ///
    /// - Parameters:
    ///   - isCurrent: whether the life that leased the slice goes on; otherwise the result is kept
    ///     for the next one.
    ///   - add: the sum of the left child (first) and the right one (second).
    package mutating func deliver(
        _ slice: Int, of key: StepKey, _ payload: Payload, isCurrent: Bool,
        adding add: (Payload, Payload) -> Payload
    ) -> [Node] {
        guard self.key == key else { return [] }
        guard isCurrent else {
            kept.append(SummedNode(node: .leaf(slice), payload: payload))
            return []
        }
        let released =
            isSumming
            ? nodes?.deliver(slice, payload, adding: add) ?? []
            : [SummedNode(node: .leaf(slice), payload: payload)]
        if flaw == .losesLoneNodes, released.contains(where: { $0.node.isLeaf }) { return [] }
        leaving += released
        return released
    }

    /// A slice ends without a result.
    ///
    /// Returns the nodes that no longer wait for it.
    package mutating func drop(_ slice: Int, of key: StepKey) -> [Node] {
        guard self.key == key else { return [] }
        let released = nodes?.drop(slice) ?? []
        leaving += released
        return released
    }

    /// A node has arrived, or is not wanted.
    package mutating func settle(_ node: TreeNode, of key: StepKey) {
        guard self.key == key else { return }
        leaving.removeAll { $0.node == node }
    }

    /// A life is over: its leases are gone, its results are kept.
    package mutating func endLife() {
        kept += leaving + (nodes?.releaseAll() ?? [])
        leaving = []
    }
}

extension ResultBook: Sendable where Payload: Sendable {}
