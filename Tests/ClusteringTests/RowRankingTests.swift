import Clustering
import Tensors
import Testing

@Suite struct RowRankingTests {
    private let rows = CounterRandom(seed: 1, stream: .test).normalTensor([1300, 20]).unitRows()
    private let queries = CounterRandom(seed: 2, stream: .test).normalTensor([50, 20]).unitRows()

    /// Blocks of the rows ranked one by one and merged in this order.
    private func ranking(
        _ rows: Tensor, of queries: Tensor, depth: Int, cuts: [Int], order: [Int]
    ) -> RowRanking {
        var all = RowRanking(of: queries, depth: depth)
        for block in order {
            let range = cuts[block]..<cuts[block + 1]
            all.merge(all.ranked(rows.rows(range), first: range.lowerBound))
        }
        return all
    }

    @Test(arguments: [1, 3, 1300])
    func `the best rows come first, however they are cut and in whatever order`(depth: Int) {
        let whole = ranking(rows, of: queries, depth: depth, cuts: [0, 1300], order: [0])
        let parts = ranking(
            rows, of: queries, depth: depth, cuts: [0, 1, 257, 600, 1299, 1300],
            order: [3, 0, 4, 1, 2])
        let (x, r) = (queries.values, rows.values)
        for query in 0..<50 {
            let scores = (0..<1300).map { row in
                (0..<20).reduce(0.0) { $0 + Double(x[query * 20 + $1]) * Double(r[row * 20 + $1]) }
            }
            let wanted = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(depth)
            let found = whole.rows(of: query)
            #expect(found.count == depth)
            for (found, wanted) in zip(found, wanted) {
                #expect(abs(Double(found.score) - scores[wanted]) < 1e-6)
                #expect(abs(scores[found.row] - scores[wanted]) < 1e-6)
            }
            #expect(found.elementsEqual(parts.rows(of: query)) { $0 == $1 })
        }
    }

    @Test func `equal rows come lowest first`() {
        let twins = Tensor([0, 1, 1, 0, 1, 0, 1, 0], shape: [4, 2])
        let query = Tensor([1, 0], shape: [1, 2])
        let found = ranking(twins, of: query, depth: 3, cuts: [0, 2, 4], order: [1, 0])
        #expect(found.rows(of: 0).map(\.row) == [1, 2, 3])
    }

    @Test func `fewer rows than asked for are all there are, and no number never enters`() {
        let some = Tensor([1, 0, .nan, 0, 0.5, 0], shape: [3, 2])
        let query = Tensor([1, 0], shape: [1, 2])
        let found = ranking(some, of: query, depth: 9, cuts: [0, 3], order: [0])
        #expect(found.rows(of: 0).map(\.row) == [0, 2])
        #expect(RowRanking(of: query, depth: 2).rows(of: 0).isEmpty)
    }
}
