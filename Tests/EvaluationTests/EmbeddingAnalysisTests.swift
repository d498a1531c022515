import Evaluation
import Foundation
import Tensors
import Testing

/// The analysis of embeddings against sums over all pairs in double precision.
@Suite struct EmbeddingAnalysisTests {
    /// Above the rows of a block of pairs, and no multiple of it.
    private static let count = 700
    private static let dim = 9
    private let f = CounterRandom(seed: 1, stream: .test).normalTensor([count, dim]).unitRows()
    private let labels = (0..<count).map { $0 * $0 % 7 }

    private func dot(_ i: Int, _ j: Int) -> Double {
        let values = f.span
        return (0..<Self.dim).reduce(0) {
            $0 + Double(values[i * Self.dim + $1]) * Double(values[j * Self.dim + $1])
        }
    }

    @Test func `histograms count every pair once, by class`() throws {
        let (same, other) = SimilarityHistogram.ofPairs(of: f, labels: labels, threads: 2)
        var expected: [Bool: [Int]] = [:]
        var pairs: [Bool: Int] = [:]
        for i in 0..<Self.count {
            for j in (i + 1)..<Self.count {
                let isSame = labels[i] == labels[j]
                let bin = min(99, max(0, Int((dot(i, j) + 1) * 50)))
                expected[isSame, default: Array(repeating: 0, count: 100)][bin] += 1
                pairs[isSame, default: 0] += 1
            }
        }
        #expect(same.total == pairs[true] && other.total == pairs[false])
        // A similarity at the edge of a bin may lie on the other side in single precision.
        for (found, wanted) in [(same, expected[true]), (other, expected[false])] {
            let moved = zip(found.counts, wanted ?? []).reduce(0) { $0 + abs($1.0 - $1.1) }
            #expect(moved <= 8, "\(moved) of \(found.total)")
        }
        #expect(same == SimilarityHistogram.ofPairs(of: f, labels: labels, threads: 1).sameClass)
        #expect(abs(same.shares.reduce(0, +) - 1) < 1e-12)
    }

    @Test func `the outermost bins take what rounding put beyond`() {
        let histogram = SimilarityHistogram(of: [-1.000001, -1, -0.99, 0, 0.999, 1, 1.000001])
        #expect(histogram.counts[0] == 3 && histogram.counts[50] == 1)
        #expect(histogram.counts[99] == 3 && histogram.total == 7)
        #expect(SimilarityHistogram.edge(0) == -1 && SimilarityHistogram.edge(100) == 1)
        #expect(SimilarityHistogram.edge(51) == 0.02)
        #expect(SimilarityHistogram(counts: [1]) == nil)
        #expect(SimilarityHistogram(counts: Array(repeating: -1, count: 100)) == nil)
    }

    @Test(arguments: [nil, 50] as [Int?])
    func `penalties are means over anchors of the softmax over their negatives`(hardest: Int?) {
        let (tau, anchors) = (0.2, 40)
        let loss = PenaltyProfile.Loss(temperature: tau, hardest: hardest)
        let profile = PenaltyProfile.profiles(
            of: [loss], embeddings: f, anchors: anchors, threads: 2)[0]
        var (entropy, top) = (0.0, [1: 0.0, 10: 0.0, 100: 0.0])
        var bins = [Double](repeating: 0, count: 100)
        for i in 0..<anchors {
            let s = (0..<Self.count).filter { $0 != i }.map { dot(i, $0) }.sorted(by: >)
                .prefix(hardest ?? Self.count)
            let sum = s.reduce(0) { $0 + exp($1 / tau) }
            let r = s.map { exp($0 / tau) / sum }
            entropy -= r.reduce(0) { $0 + $1 * log($1) } / Double(anchors)
            for (rank, share) in top {
                top[rank] = share + r.prefix(rank).reduce(0, +) / Double(anchors)
            }
            for (similarity, share) in zip(s, r) {
                bins[Int((similarity + 1) * 50)] += share / Double(anchors)
            }
        }
        #expect(profile.loss == loss)
        #expect(abs(profile.entropy - entropy) < 1e-5)
        #expect(abs(profile.effectiveNegatives - exp(entropy)) < 1e-2)
        #expect(profile.nearest.map(\.count) == [1, 10, 100])
        for share in profile.nearest {
            #expect(abs(share.share - (top[share.count] ?? -1)) < 1e-5)
        }
        #expect(abs(profile.bySimilarity.reduce(0, +) - 1) < 1e-9)
        for (found, wanted) in zip(profile.bySimilarity, bins) {
            #expect(abs(found - wanted) < 0.01)
        }
    }

    @Test func `a low temperature pushes few, and threads decide nothing`() {
        let losses = [0.05, 0.3, 5].map { PenaltyProfile.Loss(temperature: $0) }
        let one = PenaltyProfile.profiles(of: losses, embeddings: f, anchors: 70, threads: 1)
        let three = PenaltyProfile.profiles(of: losses, embeddings: f, anchors: 70, threads: 3)
        #expect(one == three)
        #expect(one[0].entropy < one[1].entropy && one[1].entropy < one[2].entropy)
        #expect(one[0].nearest[0].share > one[1].nearest[0].share)
        #expect(one[2].entropy < log(Double(Self.count - 1)))
        let pair = PenaltyProfile.profiles(
            of: losses, embeddings: f.rows(0..<2), anchors: 2, threads: 1)
        #expect(pair[0].nearest == [.init(count: 1, share: 1)] && abs(pair[0].entropy) < 1e-12)
    }

    @Test func `an analysis has the figures of its embeddings at unit length`() throws {
        let scaled = Tensor(f.values.map { 3 * $0 }, shape: f.shape)
        let random = CounterRandom(seed: 2, stream: .test).normalTensor([Self.count, Self.dim])
        let view = Tensor(zip(f.values, random.values).map { $0 + 0.1 * $1 }, shape: f.shape)
        func analysis(threads: Int, views: EmbeddingAnalysis.Views?) -> EmbeddingAnalysis {
            EmbeddingAnalysis(
                of: scaled, labels: labels, views: views, losses: [.init(temperature: 0.3)],
                threads: threads)
        }
        let found = analysis(threads: 1, views: .init(scaled, view))
        #expect(found == analysis(threads: 3, views: .init(scaled, view)))
        #expect(found.imageCount == Self.count && found.dim == Self.dim)
        #expect(abs(found.uniformity + uniformityLoss(of: f, threads: 1)) < 1e-6)
        let tolerance = try #require(Tolerance(of: f, labels: labels)).meanOfSameClass
        #expect(abs(try #require(found.tolerance) - tolerance) < 1e-6)
        let pairs = Alignment(of: f, and: view.unitRows())
        #expect(abs(try #require(found.alignment) - pairs.meanSquaredDistance) < 1e-6)
        #expect(abs(try #require(found.positiveSimilarity) - pairs.meanSimilarity) < 1e-6)
        let nearest = meanNearestSimilarities(of: f, threads: 1)
        #expect(zip(found.nearestSimilarities, nearest).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(abs(try #require(found.separation) - (pairs.meanSimilarity - nearest[0])) < 1e-6)
        var sum = 0.0
        for i in 0..<Self.count { for j in 0..<i { sum += dot(i, j) } }
        let mean = sum / Double(Self.count * (Self.count - 1) / 2)
        #expect(abs(found.negativeSimilarity - mean) < 1e-6)
        #expect(found.positives?.total == Self.count)
        #expect(found.sameClass.total + found.otherClass.total == Self.count * (Self.count - 1) / 2)
        let blind = analysis(threads: 1, views: nil)
        #expect(blind.alignment == nil && blind.positives == nil && blind.separation == nil)
        #expect(blind.uniformity == found.uniformity && blind.penalties == found.penalties)
    }
}
