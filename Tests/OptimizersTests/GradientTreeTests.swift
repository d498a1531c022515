import Testing

@testable import Optimizers

@Suite struct GradientTreeTests {
    @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 4), (7, 4), (8, 4), (9, 8)])
    func `a node splits at the largest power of two below its width`(width: Int, left: Int) {
        let node = TreeNode(lo: 10, hi: 10 + width)
        #expect(node.split == (width == 1 ? nil : 10 + left))
    }

    @Test(arguments: 1...40)
    func `children cover their parent and lead back to it`(sliceCount: Int) {
        let tree = GradientTree(sliceCount: sliceCount)
        var waiting = [tree.root]
        var leaves = 0
        while let node = waiting.popLast() {
            #expect(tree.node(lo: node.lo, hi: node.hi) == node)
            guard let (left, right) = node.children else {
                leaves += 1
                continue
            }
            #expect(left.lo == node.lo && left.hi == right.lo && right.hi == node.hi)
            #expect(tree.parent(of: left) == node && tree.parent(of: right) == node)
            #expect(tree.sibling(of: left) == right && tree.sibling(of: right) == left)
            waiting += [left, right]
        }
        #expect(leaves == sliceCount)
        #expect(tree.parent(of: tree.root) == nil && tree.sibling(of: tree.root) == nil)
    }

    @Test func `the path to a leaf goes from the root down`() {
        let path = GradientTree(sliceCount: 7).path(toLeaf: 5).map(\.description)
        #expect(path == ["0..<7", "4..<7", "4..<6", "5..<6"])
    }

    @Test func `ranges that are no node of the tree are refused`() {
        let tree = GradientTree(sliceCount: 7)
        var nodes = 0
        for lo in -2..<9 {
            for hi in -2..<10 where tree.node(lo: lo, hi: hi) != nil { nodes += 1 }
        }
        #expect(nodes == 2 * 7 - 1)
        #expect(tree.node(lo: 1, hi: 3) == nil)
        #expect(tree.node(lo: 0, hi: Int.max) == nil)
    }

    @Test func `slices of a small batch that get no sample are empty`() {
        // slice s of 3 samples in 8 slices holds s*3/8 ..< (s+1)*3/8
        let tree = GradientTree(sliceCount: 8, batch: 3)
        #expect(tree.occupiedSlices == [2, 5, 7])
        #expect(tree.isEmpty(TreeNode(lo: 0, hi: 2)))
        #expect(tree.occupiedCount(in: tree.root) == 3)
    }

    @Test func `a node with an empty sibling stands for its parent`() {
        let tree = GradientTree(sliceCount: 8, batch: 3)
        #expect(tree.lifted(.leaf(2)) == TreeNode(lo: 0, hi: 4))
        #expect(tree.lifted(.leaf(5)) == TreeNode(lo: 4, hi: 6))
        #expect(GradientTree(sliceCount: 8, batch: 1).lifted(.leaf(7)) == TreeNode(lo: 0, hi: 8))
    }
}
