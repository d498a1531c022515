import Evaluation
import Foundation
import Tensors
import Testing

/// Labelled points around class means.
func labelledPoints(
    count: Int, dim: Int, classes: Int, spread: Float, seed: UInt64
) -> RepresentationProtocol.LabelledFeatures {
    let random = CounterRandom(seed: seed, stream: .test, a: 1)
    let means = CounterRandom(seed: 99, stream: .test, a: 2)
    var (values, labels): ([Float], [Int]) = ([], [])
    for sample in 0..<count {
        let label = random.integer(at: 10_000_000 + sample, below: classes)
        labels.append(label)
        for column in 0..<dim {
            let noise = random.normal(at: sample * dim + column)
            values.append(means.normal(at: label * dim + column) + spread * noise)
        }
    }
    return RepresentationProtocol.LabelledFeatures(
        features: Tensor(values, shape: [count, dim]), labels: labels)
}

struct NearestNeighbourVotesTests {
    private let bank = labelledPoints(count: 1200, dim: 7, classes: 6, spread: 1, seed: 1)
    private let queries = labelledPoints(count: 90, dim: 7, classes: 6, spread: 1, seed: 2)

    /// The rule written out in double precision.
    private func reference(_ query: Int, _ neighbours: [Int], _ temperature: Double) -> [[Double]] {
        func unit(_ features: Tensor, _ row: Int) -> [Double] {
            let values = (0..<7).map { Double(features.span[row * 7 + $0]) }
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.map { $0 / length }
        }
        let own = unit(queries.features, query)
        let ranked = (0..<1200).map { row in
            (row: row, s: zip(own, unit(bank.features, row)).map(*).reduce(0, +))
        }.sorted { $0.s > $1.s }
        let most = neighbours.max() ?? 1
        let weights = ranked.prefix(most).map { exp(($0.s - ranked[0].s) / temperature) }
        let total = weights.reduce(0, +)
        return neighbours.map { count in
            var votes = [Double](repeating: 0, count: 6)
            for place in 0..<count {
                votes[bank.labels[ranked[place].row]] += weights[place] / total
            }
            return votes
        }
    }

    private func votes(_ neighbours: [Int], threads: Int = 2) -> NearestNeighbourVotes {
        NearestNeighbourVotes(
            bank: bank.features, bankLabels: bank.labels, queries: queries.features,
            neighbours: neighbours, temperature: 0.07, classCount: 6, threads: threads)
    }

    @Test func `votes are those of the rule written out`() {
        let counts = [5, 20, 100]
        let found = votes(counts)
        for query in 0..<90 {
            let wanted = reference(query, counts, 0.07)
            for which in 0..<3 {
                for label in 0..<6 {
                    let vote = Double(found.votes[which][query * 6 + label])
                    #expect(abs(vote - wanted[which][label]) < 2e-5)
                }
            }
        }
    }

    @Test func `Trap 18: votes of fewer neighbours are not renormalised`() {
        let found = votes([3, 200])
        let sums = (0..<90).map { query in
            found.votes[0][(query * 6)..<(query * 6 + 6)].reduce(0, +)
        }
        #expect(sums.allSatisfy { $0 < 0.9 })
        let whole = found.votes[1][0..<6].reduce(0, +)
        #expect(abs(whole - 1) < 1e-5)
    }

    @Test(arguments: [1, 3, 5])
    func `the number of threads does not change a bit`(_ threads: Int) {
        #expect(votes([10, 50], threads: threads).votes == votes([10, 50], threads: 2).votes)
    }

    @Test func `more neighbours than samples means all samples`() {
        let few = NearestNeighbourVotes(
            bank: bank.features.rows(0..<4), bankLabels: Array(bank.labels[..<4]),
            queries: queries.features, neighbours: [20], temperature: 0.07, classCount: 6,
            threads: 1)
        #expect(few.votes[0][0..<6].reduce(0, +) > 0.999)
    }

    @Test func `accuracy counts the true class among the first`() {
        let found = votes([20])
        let (one, two) = (
            found.accuracy(queries.labels), found.accuracy(queries.labels, top: 2)
        )
        #expect(one > 0.6 && two >= one && found.accuracy(queries.labels, top: 6) == 1)
    }
}

struct MetricsTests {
    @Test func `equal scores count for the lower class`() {
        #expect(topAccuracy([1, 1, 0], classCount: 3, labels: [0]) == 1)
        #expect(topAccuracy([1, 1, 0], classCount: 3, labels: [1]) == 0)
        #expect(topAccuracy([1, 1, 0], classCount: 3, labels: [1], top: 2) == 1)
        #expect(predictedClasses([0, 2, 2], classCount: 3) == [1])
    }

    @Test func `mean per class weighs classes alike`() {
        let scores: [Float] = [1, 0, 1, 0, 1, 0, 1, 0]  // always class 0
        #expect(meanPerClassAccuracy(scores, classCount: 2, labels: [0, 0, 0, 1]) == 0.5)
        #expect(topAccuracy(scores, classCount: 2, labels: [0, 0, 0, 1]) == 0.75)
    }

    @Test func `eleven point precision of a known ranking`() {
        // Ranks: hit, miss, hit, miss: recall .5 at precision 1, recall 1 at 2/3.
        let value = elevenPointAveragePrecision(
            [4, 3, 2, 1], truth: [true, false, true, false])
        #expect(abs(value - (6 + 5 * 2.0 / 3) / 11) < 1e-12)
    }

    @Test func `the area under ROC counts pairs, ties half`() {
        #expect(areaUnderROC([3, 2, 2, 1], truth: [true, true, false, false]) == 0.875)
        #expect(areaUnderROC([1, 1], truth: [true, false]) == 0.5)
        #expect(areaUnderROC([1, 2], truth: [true, false]) == 0)
    }

    @Test func `the mean of top 1 and top 2`() {
        let scores: [Float] = [3, 2, 1, 3, 2, 1]
        #expect(meanOfTopAccuracies(scores, classCount: 3, labels: [0, 1], top: 2) == 0.75)
    }
}
