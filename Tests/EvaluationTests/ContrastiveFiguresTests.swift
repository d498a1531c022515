import Evaluation
import Foundation
import Tensors
import Testing

/// Figures of embeddings against sums over all pairs and known identities.
@Suite struct ContrastiveFiguresTests {
    private let count = 700

    private func embeddings(_ count: Int, dim: Int = 9, seed: UInt64 = 1) -> Tensor {
        CounterRandom(seed: seed, stream: .test).normalTensor([count, dim]).unitRows()
    }

    private func dots(_ f: Tensor) -> [[Double]] {
        let (n, d) = (f.shape[0], f.shape[1])
        let values = f.values.map(Double.init)
        return (0..<n).map { i in
            (0..<n).map { j in (0..<d).reduce(0) { $0 + values[i * d + $1] * values[j * d + $1] } }
        }
    }

    @Test func `uniformity is the log of the mean potential of all pairs`() {
        let f = embeddings(count)
        let dots = dots(f)
        for t in [1.0, 2] {
            var sum = 0.0
            for i in 0..<count {
                for j in (i + 1)..<count { sum += exp(-t * (2 - 2 * dots[i][j])) }
            }
            let expected = log(sum / Double(count * (count - 1) / 2))
            #expect(abs(uniformityLoss(of: f, t: t, threads: 1) - expected) < 1e-5)
            #expect(
                uniformityLoss(of: f, t: t, threads: 1) == uniformityLoss(of: f, t: t, threads: 3))
        }
    }

    @Test func `a uniform sphere of 128 dimensions has the value that the paper's table peaks at`()
    {
        #expect(abs(-uniformityLoss(of: embeddings(600, dim: 128), threads: 2) - 3.94) < 0.01)
    }

    @Test func `one point has uniformity 0`() {
        let f = Tensor(
            (0..<20).flatMap { _ in [0.6, 0.8] as [Float] }, shape: [20, 2])
        #expect(abs(uniformityLoss(of: f, threads: 1)) < 1e-6)
    }

    @Test func `tolerance is the mean over pairs of one class`() throws {
        let f = embeddings(60)
        let labels = (0..<60).map { $0 * $0 % 5 }
        let dots = dots(f)
        var (sum, pairs) = (0.0, 0)
        for i in 0..<60 {
            for j in (i + 1)..<60 where labels[i] == labels[j] {
                sum += dots[i][j]
                pairs += 1
            }
        }
        let tolerance = try #require(Tolerance(of: f, labels: labels))
        #expect(abs(tolerance.meanOfSameClass - sum / Double(pairs)) < 1e-7)
        #expect(abs(tolerance.meanOfIndicated - sum / Double(60 * 59 / 2)) < 1e-7)
        #expect(Tolerance(of: f.rows(0..<3), labels: [0, 1, 2]) == nil)
    }

    @Test func `views that agree are aligned`() {
        let f = embeddings(10)
        let same = Alignment(of: f, and: f)
        #expect(same.meanSquaredDistance == 0 && abs(same.meanSimilarity - 1) < 1e-6)
        let other = Alignment(of: f, and: embeddings(10, seed: 2))
        #expect(abs(other.meanSquaredDistance - (2 - 2 * other.meanSimilarity)) < 1e-6)
    }

    @Test func `the nearest similarities leave the anchor itself out, even beside its twin`() {
        let f = embeddings(40)
        let twins = f.concatenatedRows(with: f)
        let nearest = meanNearestSimilarities(of: twins, ranks: 3, threads: 2)
        #expect(abs(nearest[0] - 1) < 1e-6 && nearest[1] < 0.99 && nearest[1] >= nearest[2])
        let dots = dots(f)
        let best = (0..<40).reduce(0.0) { sum, i in
            sum + (dots[i].enumerated().filter { $0.offset != i }.map(\.element).max() ?? 0)
        }
        #expect(abs(meanNearestSimilarities(of: f, ranks: 1, threads: 1)[0] - best / 40) < 1e-6)
    }

    @Test(arguments: [0.05, 0.3, 1, 5])
    func `relative penalties add up to 1 and their entropy rises with tau`(tau: Double) {
        let random = CounterRandom(seed: 4, stream: .test)
        let s = (0..<300).map { 2 * random.uniform(at: $0) - 1 }
        let analysis = PenaltyAnalysis(similarities: s, own: 7, temperature: tau)
        #expect(abs(analysis.relativePenalties.reduce(0, +) - 1) < 1e-12)
        #expect(analysis.relativePenalties[7] == 0)
        #expect(abs(analysis.probabilities.reduce(0, +) - 1) < 1e-12)
        // What pushes negatives pulls the positive.
        #expect(abs(analysis.negativeSlopes.reduce(0, +) + analysis.positiveSlope) < 1e-12)
        let step = 1e-5 * tau
        let (up, down) = (tau + step, tau - step)
        let slope =
            (PenaltyAnalysis(similarities: s, own: 7, temperature: up).entropy
                - PenaltyAnalysis(similarities: s, own: 7, temperature: down).entropy) / (2 * step)
        #expect(abs(slope - analysis.entropySlope) < 1e-6 * max(1, analysis.entropySlope))
        #expect(analysis.entropySlope > 0)
    }

    @Test func `among the nearest rows alone the others have no penalty`() {
        let s: [Float] = [0.9, 0.1, 0.8, 0.5]
        let analysis = PenaltyAnalysis(similarities: s, own: 1, temperature: 0.2, among: [0, 2])
        #expect(analysis.relativePenalties[3] == 0 && analysis.relativePenalties[1] == 0)
        #expect(abs(analysis.relativePenalties[0] + analysis.relativePenalties[2] - 1) < 1e-12)
    }

    @Test func `the loss goes to its limits`() {
        let s: [Float] = [0.2, 0.9, 0.85, -0.4]
        let limits = TemperatureLimits(similarities: s, own: 0)
        #expect(abs(limits.scaledLoss(1e-3) - limits.cold) < 1e-6)
        #expect(abs(limits.centredLoss(1e6) - limits.hot) < 1e-6)
        #expect(abs(limits.cold - 0.7) < 1e-6)
    }

    @Test func `the monitor votes by e to the similarity over sigma`() {
        let bank = embeddings(200)
        let queries = embeddings(20, seed: 5)
        let labels = (0..<200).map { $0 % 4 }
        let one = NeighbourScores(
            queries: queries, bank: bank, labels: labels, classCount: 4, neighbours: 30,
            threads: 1)
        let two = NeighbourScores(
            queries: queries, bank: bank, labels: labels, classCount: 4, neighbours: 30,
            threads: 3)
        #expect(one.scores == two.scores && one.neighbours == two.neighbours)
        let (q, b) = (queries.values.map(Double.init), bank.values.map(Double.init))
        for query in 0..<20 {
            let ranked = (0..<200).map { row in
                (row, (0..<9).reduce(0.0) { $0 + q[query * 9 + $1] * b[row * 9 + $1] })
            }.sorted { $0.1 > $1.1 }.prefix(30)
            #expect(
                one.neighbours[query * 30..<(query + 1) * 30].map { Int($0) } == ranked.map(\.0))
            for label in 0..<4 {
                let expected = ranked.filter { $0.0 % 4 == label }
                    .reduce(0.0) { $0 + exp($1.1 / 0.07) }
                #expect(
                    abs(Double(one.scores[query * 4 + label]) - expected) <= 1e-4 * expected)
            }
        }
    }
}
