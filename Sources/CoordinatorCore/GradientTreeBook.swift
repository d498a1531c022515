import Messages
import Optimizers

/// The gradient tree of the open step (design, section 2.6), and the credits for nodes on their
/// way, which outlive a step until the node has come or its sender is gone.
///
/// Credits bound memory: nodes on their way plus nodes kept never exceed ``creditsMax``. Nobody can
/// wait for ever either. The nodes kept to the left of the first missing slice number at most the
/// tree's height; everything else is granted only while height + 1 credits stay free, so the node
/// with the first missing slice always finds one, and so does in turn every other.
struct GradientTreeBook: Sendable {
    /// A node that a worker would send.
    struct Offer: Hashable, Sendable {
        /// Who asked.
        var asker: Asker
        /// The node as offered.
        var node: TreeNode
        /// Bytes of its tensors.
        var byteCount: UInt64
        /// Since when it waits.
        var since: Moment
    }

    /// A credit that is given: a node on its way.
    struct Grant: Hashable, Sendable {
        /// The sender.
        var worker: Incarnation
        /// The step.
        var step: StepNumber
        /// The node as offered.
        var node: TreeNode
        /// When it was given.
        var since: Moment
        /// Bytes of its tensors.
        var byteCount: UInt64
    }

    /// A slice's result that is in.
    struct Result: Hashable, Sendable {
        /// Its leaf.
        var leaf: Leaf
        /// Name of the worker whose result counted.
        var worker: String
        /// The life of it that delivered it.
        var life: Incarnation
    }

    /// What an arriving node changes: which kept nodes it replaces, and which sums are due.
    struct Arrival: Hashable, Sendable {
        /// The node under which it is kept.
        var node: TreeNode
        /// Kept nodes that it replaces, rising.
        var replaced: [TreeNode]
        /// Nodes whose children are both kept now, lowest first.
        var sums: [TreeNode]
        /// Slices that are done now and were not before, rising.
        var slices: [Int]
    }

    /// Nodes on their way and kept, at most.
    let creditsMax: Int
    private let reserve: Int
    /// A bug that the simulation has planted.
    var flaw: Flaw?
    /// Offers without a verdict, in order of arrival.
    private(set) var offers: [Offer] = []
    /// Nodes on their way, in order of grants.
    private(set) var grants: [Grant] = []
    private(set) var step: StepNumber?
    private var arrived: ArrivedNodes<Void>?
    private(set) var results: [Result?] = []

    /// A book for steps of so many slices.
    init(slices: Int, credits: Int) {
        var height = 0
        while 1 << height < slices { height += 1 }
        reserve = height + 1
        creditsMax = max(credits, height + 2)
    }

    /// Credits in use.
    var creditsUsed: Int { grants.count + kept.count }

    /// The nodes kept, rising.
    var kept: [TreeNode] { arrived.map { $0.nodes.map(\.node) } ?? [] }

    /// A step opens.
    mutating func begin(_ step: StepNumber, tree: GradientTree) {
        self.step = step
        arrived = ArrivedNodes(tree: tree)
        results = Array(repeating: nil, count: tree.sliceCount)
    }

    /// The open step is over or abandoned; returns whose offers lapse, in order of arrival.
    mutating func end() -> [Asker] {
        defer { offers = [] }
        step = nil
        arrived = nil
        results = []
        return offers.map(\.asker)
    }

    // MARK: Offers and credits

    /// An offer waits for its verdict.
    mutating func offer(_ offer: Offer) { offers.append(offer) }

    /// Takes the next offer that gets a verdict out of the queue, or nil if all must wait.
    mutating func nextVerdict(at time: Moment) -> (offer: Offer, verdict: NodeVerdict)? {
        guard !offers.isEmpty, let arrived, let step else { return nil }
        if let place = offers.firstIndex(where: { arrived.isDone($0.node) }) {
            return (offers.remove(at: place), .drop)
        }
        let first = arrived.missingSlices(in: arrived.tree.root).first
        let ranked = offers.indices.map { place in
            (rank(offers[place].node, in: arrived, first: first), place)
        }
        for (rank, place) in ranked.sorted(by: <)
        where creditsUsed < limit(ofRank: rank) || flaw == .givesCreditsForEver {
            let offer = offers.remove(at: place)
            grants.append(
                Grant(
                    worker: offer.asker.worker, step: step, node: offer.node, since: time,
                    byteCount: offer.byteCount))
            return (offer, .send)
        }
        return nil
    }

    /// 0 for a node that completes its parent, 1 for one with the first missing slice, 2 otherwise;
    /// what completes and holds the first missing slice comes first.
    private func rank(_ node: TreeNode, in arrived: ArrivedNodes<Void>, first: Int?) -> Int {
        let isFirst = first.map { node.slices.contains($0) } ?? false
        let lifted = arrived.tree.lifted(node)
        let completes = arrived.tree.sibling(of: lifted).map { arrived.isDone($0) } ?? true
        return completes ? (isFirst ? 0 : 1) : isFirst ? 2 : 3
    }

    /// Credits that must not be in use yet for an offer of this rank to be granted.
    private func limit(ofRank rank: Int) -> Int {
        switch rank {
        case 0, 2: creditsMax
        case 1: creditsMax - 1
        default: creditsMax - (flaw == .keepsNoReserve ? 0 : reserve)
        }
    }

    // MARK: Nodes

    /// Uses up the sender's credit for a node; false if it has none.
    mutating func redeem(_ node: TreeNode, of step: StepNumber, from worker: Incarnation) -> Bool {
        let place = grants.firstIndex {
            $0.worker == worker && $0.step == step && $0.node == node
        }
        guard let place else { return false }
        grants.remove(at: place)
        return true
    }

    /// A worker hands a slice back: it will not send a node of the open step that holds it.
    mutating func withdraw(slice: Int, from worker: Incarnation) {
        grants.removeAll {
            $0.worker == worker && $0.step == step && $0.node.slices.contains(slice)
        }
    }

    /// The kept node with a slice counts no more; returns it, if there is one.
    mutating func discard(_ slice: Int) -> TreeNode? {
        guard let before = arrived,
            let node = before.nodes.map(\.node).first(where: { $0.slices.contains(slice) })
        else { return nil }
        var rest = ArrivedNodes<Void>(tree: before.tree)
        for other in before.nodes where other.node != node {
            _ = rest.arrive(other.node, (), adding: { _, _ in () })
        }
        arrived = rest
        for slice in node.slices { results[slice] = nil }
        return node
    }

    /// Keeps an arriving node of the open step, or returns nil: it or an ancestor is done.
    mutating func arrive(
        _ node: TreeNode, leaves: [Leaf], worker: String, life: Incarnation
    ) -> Arrival? {
        guard var arrived else { return nil }
        let tree = arrived.tree
        let fresh = leaves.map(\.slice.index).filter { results[$0] == nil }
        guard case .taken(let replaced) = arrived.arrive(node, (), adding: { _, _ in () })
        else { return nil }
        self.arrived = arrived
        for leaf in leaves where results[leaf.slice.index] == nil {
            results[leaf.slice.index] = Result(leaf: leaf, worker: worker, life: life)
        }
        let lifted = tree.lifted(node)
        var sums: [TreeNode] = []
        var current = lifted
        while !arrived.nodes.contains(where: { $0.node == current }),
            let parent = tree.parent(of: current)
        {
            current = tree.lifted(parent)
            sums.append(current)
        }
        return Arrival(node: lifted, replaced: replaced, sums: sums, slices: fresh)
    }

    // MARK: Losses

    /// Forgets a lost worker's offers and credits.
    mutating func lose(_ worker: Incarnation) {
        offers.removeAll { $0.asker.worker == worker }
        grants.removeAll { $0.worker == worker }
    }

    /// Forgets credits of closed steps whose nodes have not come in time.
    mutating func forgetStale(at time: Moment, term: Duration) {
        grants.removeAll { $0.step != step && time - $0.since > term }
    }
}
