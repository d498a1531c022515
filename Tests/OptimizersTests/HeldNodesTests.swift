import Storage
import Testing

@testable import Optimizers

/// The association of a sum as text, so that two sums are equal only if they were added alike.
private func associated(_ left: String, _ right: String) -> String { "(\(left)+\(right))" }

/// The association that the tree prescribes.
private func prescribed(_ node: TreeNode, _ tree: GradientTree) -> String {
    guard let (left, right) = node.children else { return String(node.lo) }
    if tree.isEmpty(left) { return prescribed(right, tree) }
    if tree.isEmpty(right) { return prescribed(left, tree) }
    return associated(prescribed(left, tree), prescribed(right, tree))
}

/// Every order of the elements.
private func permutations(_ elements: [Int]) -> [[Int]] {
    guard elements.count > 1 else { return [elements] }
    return elements.flatMap { first in
        permutations(elements.filter { $0 != first }).map { [first] + $0 }
    }
}

@Suite struct HeldNodesTests {
    @Test(arguments: 1...7)
    func `every order of deliveries gives one worker the same association`(sliceCount: Int) {
        let tree = GradientTree(sliceCount: sliceCount)
        let expected = prescribed(tree.root, tree)
        for order in permutations(Array(0..<sliceCount)) {
            var held = HeldNodes<String>(tree: tree)
            for slice in 0..<sliceCount { held.lease(slice) }
            var sent: [SummedNode<String>] = []
            for slice in order {
                sent += held.deliver(slice, String(slice), adding: associated)
            }
            #expect(sent.count == 1)
            #expect(sent.first?.node == tree.root)
            #expect(sent.first?.payload == expected)
            #expect(held.held.isEmpty && held.leases.isEmpty)
        }
    }

    @Test(arguments: [(5, 5), (6, 6), (6, 4), (8, 5)])
    func `any split of the slices between two workers sums alike`(sliceCount: Int, batch: Int) {
        let tree = GradientTree(sliceCount: sliceCount, batch: batch)
        let slices = tree.occupiedSlices
        let expected = prescribed(tree.root, tree)
        for mask in 0..<(1 << slices.count) {
            for order in permutations(slices) {
                var workers = [HeldNodes<String>(tree: tree), HeldNodes<String>(tree: tree)]
                var arrived = ArrivedNodes<String>(tree: tree)
                func owner(_ slice: Int) -> Int {
                    slices.firstIndex(of: slice).map { mask >> $0 & 1 } ?? 0
                }
                for slice in slices { workers[owner(slice)].lease(slice) }
                for slice in order {
                    let sent = workers[owner(slice)].deliver(
                        slice, String(slice), adding: associated)
                    for entry in sent {
                        #expect(entry.payload == prescribed(entry.node, tree))
                        let arrival = arrived.arrive(
                            entry.node, entry.payload, adding: associated)
                        #expect(arrival == .taken(replaced: []))
                    }
                }
                #expect(arrived.total == expected)
                #expect(workers.allSatisfy { $0.held.isEmpty })
            }
        }
    }

    @Test func `a node waits only while a slice of its sibling is leased here`() {
        var held = HeldNodes<String>(tree: GradientTree(sliceCount: 4))
        for slice in [0, 1, 3] { held.lease(slice) }
        #expect(held.deliver(0, "0", adding: associated).isEmpty)
        #expect(held.deliver(3, "3", adding: associated).map(\.node) == [.leaf(3)])
        let sent = held.deliver(1, "1", adding: associated)
        #expect(sent.map(\.node) == [TreeNode(lo: 0, hi: 2)])
        #expect(sent.map(\.payload) == ["(0+1)"])
    }

    @Test func `losing a lease lets go of what waited for it`() {
        var held = HeldNodes<String>(tree: GradientTree(sliceCount: 4))
        for slice in 0..<4 { held.lease(slice) }
        #expect(held.deliver(0, "0", adding: associated).isEmpty)
        #expect(held.deliver(1, "1", adding: associated).isEmpty)
        #expect(held.deliver(2, "2", adding: associated).isEmpty)
        #expect(held.drop(3).map(\.payload) == ["(0+1)", "2"])
        #expect(held.deliver(3, "3", adding: associated).isEmpty, "no longer leased: dropped")
        #expect(held.drop(3).isEmpty)
    }

    @Test func `draining returns everything that was held`() {
        var held = HeldNodes<String>(tree: GradientTree(sliceCount: 8))
        for slice in 0..<8 { held.lease(slice) }
        _ = held.deliver(6, "6", adding: associated)
        _ = held.deliver(1, "1", adding: associated)
        #expect(held.releaseAll().map(\.payload) == ["1", "6"])
        #expect(held.held.isEmpty && held.leases.isEmpty)
    }

    @Test(arguments: 0..<200)
    func `leases that come, go and return never change a sum`(seed: Int) {
        let tree = GradientTree(sliceCount: 9)
        var dice = SplitMix64(seed: UInt64(seed))
        var workers = (0..<3).map { _ in HeldNodes<String>(tree: tree) }
        var arrived = ArrivedNodes<String>(tree: tree)
        var rounds = 0
        while arrived.total == nil, rounds < 10_000 {
            rounds += 1
            let worker = dice.roll(3)
            let slice = dice.roll(9)
            var sent: [SummedNode<String>] = []
            switch dice.roll(4) {
            case 0 where !arrived.isDone(.leaf(slice)): workers[worker].lease(slice)
            case 1: sent = workers[worker].drop(slice)
            case 2 where dice.roll(20) == 0: workers[worker] = HeldNodes(tree: tree)
            default:
                sent = workers[worker].deliver(slice, String(slice), adding: associated)
            }
            for entry in sent {
                #expect(entry.payload == prescribed(entry.node, tree))
                _ = arrived.arrive(entry.node, entry.payload, adding: associated)
            }
        }
        #expect(arrived.total == prescribed(tree.root, tree))
    }
}

@Suite struct ArrivedNodesTests {
    @Test func `an arriving node replaces its descendants and makes later ones late`() {
        let tree = GradientTree(sliceCount: 4)
        var arrived = ArrivedNodes<String>(tree: tree)
        #expect(arrived.arrive(.leaf(1), "1", adding: associated) == .taken(replaced: []))
        #expect(arrived.missingSlices(in: tree.root) == [0, 2, 3])
        let pair = TreeNode(lo: 0, hi: 2)
        #expect(arrived.arrive(pair, "(0+1)", adding: associated) == .taken(replaced: [.leaf(1)]))
        #expect(arrived.arrive(.leaf(0), "0", adding: associated) == .late)
        #expect(arrived.arrive(pair, "(0+1)", adding: associated) == .late)
        #expect(arrived.isDone(pair) && !arrived.isDone(tree.root) && arrived.total == nil)
        _ = arrived.arrive(.leaf(3), "3", adding: associated)
        _ = arrived.arrive(.leaf(2), "2", adding: associated)
        #expect(arrived.total == "((0+1)+(2+3))")
    }
}

/// Chance for schedules of tests.
extension SplitMix64 {
    fileprivate mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }
}
