@testable import Clustering
import Tensors
import Testing

/// Every search against scores written out in double precision, and searches against each other.
struct SearchTests {
    private func scores(_ x: Tensor, _ c: Tensor, spherical: Bool) -> [[Double]] {
        let d = x.shape[1]
        return (0..<x.shape[0]).map { sample in
            (0..<c.shape[0]).map { center in
                var (dot, norm) = (0.0, 0.0)
                for column in 0..<d {
                    let value = Double(c.span[center * d + column])
                    dot += Double(x.span[sample * d + column]) * value
                    norm += value * value
                }
                return spherical ? dot : dot - norm / 2
            }
        }
    }

    @Test(arguments: [(1, 1, 1), (7, 5, 3), (400, 97, 33), (193, 48, 16), (300, 241, 130)])
    func `the exact search finds the best scores`(_ n: Int, _ k: Int, _ d: Int) {
        let x = blobs(count: n, dim: d, clusters: 5, spread: 0.9)
        let c = blobs(count: k, dim: d, clusters: 5, spread: 0.9, seed: 2)
        for spherical in [true, false] {
            let wanted = scores(x, c, spherical: spherical)
            let depth = min(k, 4)
            let found = ExactSearch(c, spherical: spherical).nearest(
                of: Samples(matrix: x), depth: depth, threads: 2)
            #expect(found.scoreCount == n * k)
            for sample in 0..<n {
                let best = wanted[sample].sorted(by: >)
                for place in 0..<depth {
                    let center = Int(found.centers[sample * depth + place])
                    #expect(abs(wanted[sample][center] - best[place]) < 1e-5)
                    let score = Double(found.scores[sample * depth + place])
                    #expect(abs(score - best[place]) < 1e-5)
                }
            }
        }
    }

    @Test func `scores have the same bits whatever is scored beside them`() {
        let x = blobs(count: 500, dim: 150, clusters: 5, spread: 0.9)
        let c = blobs(count: 333, dim: 150, clusters: 5, spread: 0.9, seed: 2)
        let all = ExactSearch(c, spherical: false).nearest(
            of: Samples(matrix: x), depth: 1, threads: 1)
        let some = ExactSearch(c.rows(100..<201), spherical: false).nearest(
            of: Samples(matrix: x.rows(37..<490)), depth: 101, threads: 1)
        for sample in 37..<490 where (100..<201).contains(Int(all.centers[sample])) {
            let place = (sample - 37) * 101
            #expect(some.centers[place] == all.centers[sample] - 100)
            #expect(some.scores[place] == all.scores[sample])
        }
    }

    @Test(arguments: [true, false], [(1500, 900, 20), (1025, 431, 7)])
    func `a search with bounds is the exact one, bit for bit`(
        _ spherical: Bool, _ size: (n: Int, k: Int, d: Int)
    ) throws {
        let x = blobs(count: size.n, dim: size.d, clusters: 60, spread: 0.5)
        let samples = Samples(matrix: x)
        let start = drawStart(sampleCount: size.n, clusterCount: size.k, seed: 3)
        var run = try KMeans(
            samples: samples, start: start, spherical: spherical, draws: .counter(seed: 1),
            threads: 2)
        let bounded = try #require(
            BoundedSearch(samples, centerCount: size.k, spherical: spherical))
        var counts: [Int] = []
        for _ in 0..<7 {
            let exact = ExactSearch(run.centers, spherical: spherical).nearest(
                of: samples, depth: 1, threads: 1)
            let found = try bounded.nearest(among: run.centers, threads: 2, meter: WorkMeter())
            let (sameCenters, sameScores) = (
                found.centers == exact.centers, found.scores == exact.scores
            )
            #expect(sameCenters && sameScores)
            counts.append(found.scoreCount)
            let made = try run.advance()
            #expect(made.assignment == exact.centers)
        }
        #expect(counts[0] == size.n * size.k)
        #expect(counts[6] < counts[0] / 2, "the bounds leave something out: \(counts)")
        // Centers from elsewhere: bounds of the last ones must not hold for them by chance.
        let others = blobs(count: size.k, dim: size.d, clusters: 60, spread: 0.5, seed: 9)
        let exact = ExactSearch(others, spherical: spherical).nearest(
            of: samples, depth: 1, threads: 1)
        let found = try bounded.nearest(among: others, threads: 1, meter: WorkMeter())
        #expect(found.centers == exact.centers)
    }

    @Test(arguments: [true, false])
    func `as many probes as cells make the search in cells exact`(_ spherical: Bool) {
        let samples = Samples(matrix: blobs(count: 700, dim: 19, clusters: 20, spread: 0.7))
        let c = blobs(count: 350, dim: 19, clusters: 20, spread: 0.7, seed: 2)
        let centroids = blobs(count: 11, dim: 19, clusters: 20, seed: 5)
        let exact = ExactSearch(c, spherical: spherical).nearest(
            of: samples, depth: 6, threads: 1)
        let found = CellSearch(
            c, centroids: centroids, probes: 11, spherical: spherical, threads: 2
        ).nearest(of: samples, depth: 6, threads: 2)
        let (sameCenters, sameScores) = (
            found.centers == exact.centers, found.scores == exact.scores
        )
        #expect(sameCenters && sameScores)
        #expect(found.scoreCount == 700 * (11 + 350))
    }

    @Test func `few probes find nearly all nearest centers with far fewer scores`() throws {
        let x = blobs(count: 6000, dim: 24, clusters: 300, spread: 0.5)
        var settings = ClusteringSettings(clusterCount: 2000, iterations: 3)
        settings.search = .cells(CellSettings(clusterCount: 2000, cells: 80, probes: 8))
        let result = try #require(try cluster(x, settings: settings, threads: 2))
        let agreement = try #require(result.agreement)
        #expect(agreement.sampleCount == 6000 && agreement.depth == 8)
        #expect(agreement.first > 0.98 && agreement.iterationFirst > 0.95)
        #expect(agreement.recall > 0.9)
        #expect(result.scoreCount < 3 * 6000 * 2000 / 3)
        #expect(result.labelScoreCount < 6000 * 2000 / 2)
        settings.search = .exact
        let exact = try #require(try cluster(x, settings: settings, threads: 2))
        #expect(exact.agreement == nil)
        #expect(abs(result.meanSimilarity - exact.meanSimilarity) < 0.005)
    }

    @Test func `lists keep the best, of equal scores the lowest center, in any order`() {
        let scores: [Float] = (0..<100).map { Float(($0 * 37) % 10) }
        let wanted = (0..<100).sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(7)
        for order in [
            Array(0..<100), Array((0..<100).reversed()),
            [51, 3] + (52..<100)
                + Array(0..<3) + (4..<51),
        ] {
            var best = BestCenters(rowCount: 2, depth: 7)
            let numbers = order.map { Int32($0) }
            for part in stride(from: 0, to: 100, by: 50) {
                let values = order[part..<(part + 50)].map { scores[$0] }
                best.merge(
                    values.span, row: 1, centers: numbers.span.extracting(part..<(part + 50)))
            }
            #expect(best.centers[7...].map { Int($0) } == Array(wanted))
            #expect(best.centers[..<7].allSatisfy { $0 == .max })
        }
        var best = BestCenters(rowCount: 1, depth: 1)
        let some: [Float] = [.nan, 2, .nan, 2]
        best.merge(some.span, row: 0, firstCenter: 10)
        #expect(best.centers == [11] && best.scores == [2])
    }

    @Test func `an order of similar centers holds each once`() {
        let c = blobs(count: 1000, dim: 12, clusters: 40)
        let order = similarOrder(of: c, width: 48, threads: 2)
        #expect(order.sorted() == (0..<1000).map { Int32($0) })
        #expect(order == similarOrder(of: c, width: 48, threads: 1))
        // Similar ones are together: groups are much tighter than groups by number.
        func spread(_ order: [Int32]) -> Double {
            var sum = 0.0
            for first in stride(from: 0, to: 960, by: 48) {
                let group = Samples(matrix: c).tensor(of: Array(order[first..<(first + 48)]))
                let mean = columnMeans(group)
                for place in 0..<group.count {
                    let away = Double(group.span[place] - mean[place % 12])
                    sum += away * away
                }
            }
            return sum
        }
        #expect(spread(order) < 0.7 * spread((0..<1000).map { Int32($0) }))
    }
}
