import Messages
import Optimizers

/// The open step: its tasks and the books that are made anew for every step.
struct OpenStep: Sendable {
    /// The step as the shell opened it.
    let opened: OpenedStep
    /// Its gradient tree; slices without samples are no part of it.
    let tree: GradientTree
    /// Who computes what.
    var leases: LeaseBook
    /// Inputs and answers.
    var exchanges: ExchangeBook
    /// What is to be computed again.
    var disputes = DisputeBook()
    /// Whether something was in doubt since it was opened, decided or not.
    var isInDoubt = false

    /// The books of a step before anything has happened.
    init(
        _ opened: OpenedStep, groups: [[Range<Int>]], previous: [Incarnation?], at time: Moment
    ) {
        let occupied = opened.tasks.map { !$0.samples.isEmpty }
        self.opened = opened
        tree = GradientTree(occupied: occupied)
        leases = LeaseBook(
            step: opened.step, occupied: occupied, tree: tree, previous: previous, at: time)
        exchanges = ExchangeBook(groups: groups, occupied: occupied)
    }

    /// The slices of a node that hold samples, rising.
    func occupied(in node: TreeNode) -> [Int] {
        node.slices.filter { !leases.slices[$0].isEmpty }
    }

    /// The node of this step's tree with these bounds, if there is one and it holds samples.
    func node(_ range: SliceRange) -> TreeNode? {
        guard let node = tree.node(lo: Int(range.lo), hi: Int(range.hi)), !tree.isEmpty(node)
        else { return nil }
        return node
    }

    /// The slice with this number, if there is one and it holds samples.
    func slice(_ number: SliceNumber) -> Int? {
        let index = number.index
        guard index < leases.slices.count, !leases.slices[index].isEmpty else { return nil }
        return index
    }
}

extension SliceRange {
    /// The slices of a node.
    init(_ node: TreeNode) { self.init(node.lo, node.hi) }
}
