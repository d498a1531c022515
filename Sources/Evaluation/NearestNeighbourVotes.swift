internal import Kernels
public import Tensors

/// Classification by the labels of the nearest samples of a bank.
///
/// Sheet MLCD section 5, kNN: the official code's rule (after Wu and others, 2018).
///
/// Features are normalised here; similarity is the cosine. The weights are the softmax of
/// similarity / temperature over the LARGEST of the neighbour counts; for a smaller count k the
/// first k of them vote as they are, without renormalising.
public struct NearestNeighbourVotes: Sendable {
    /// The neighbour counts, in the order asked for.
    public let neighbours: [Int]
    /// Classes that may get votes.
    public let classCount: Int
    /// For each neighbour count `[queries, classCount]`.
    public let votes: [[Float]]

    /// Lets the bank vote about every query.
    ///
    /// - Parameters:
    ///   - bank: `[n, d]`, finite; blocks of fixed size are searched, so that the result does not
    ///     depend on `threads`.
    ///   - bankLabels: `[n]`, in `0..<classCount`.
    ///   - queries: `[m, d]`.
    ///   - neighbours: counts; one above n means n.
    public init(
        bank: Tensor, bankLabels: [Int], queries: Tensor, neighbours: [Int], temperature: Float,
        classCount: Int, threads: Int
    ) {
        precondition(bankLabels.count == bank.shape[0], "\(bankLabels.count) labels")
        precondition(bankLabels.allSatisfy { (0..<classCount).contains($0) }, "label range")
        precondition(temperature > 0, "temperature \(temperature)")
        let depth = min(neighbours.max() ?? 1, bank.shape[0])
        precondition(neighbours.allSatisfy { $0 > 0 }, "neighbours \(neighbours)")
        let nearest = NearestRows(
            of: queries.unitRows(), among: bank.unitRows(), depth: depth, threads: threads)
        self.neighbours = neighbours
        self.classCount = classCount
        let weights = softmaxWeights(nearest.scores, depth: depth, temperature: temperature)
        votes = neighbours.map { count in
            var votes = [Float](repeating: 0, count: nearest.rowCount * classCount)
            for query in 0..<nearest.rowCount {
                for place in 0..<min(count, depth) {
                    let neighbour = Int(nearest.columns[query * depth + place])
                    votes[query * classCount + bankLabels[neighbour]] +=
                        weights[query * depth + place]
                }
            }
            return votes
        }
    }

    /// Share of queries whose true class is among the `top` classes with most votes, by the
    /// neighbour count at `index`; of equal votes the lower class comes first.
    public func accuracy(_ labels: [Int], top: Int = 1, neighbours index: Int = 0) -> Double {
        topAccuracy(votes[index], classCount: classCount, labels: labels, top: top)
    }
}

/// The softmax of each row's scores / temperature; scores come best first.
private func softmaxWeights(_ scores: [Float], depth: Int, temperature: Float) -> [Float] {
    var weights = scores
    for row in 0..<(scores.count / depth) {
        let base = row * depth
        var sum: Float = 0
        for place in 0..<depth {
            let weight = LaneMath.exp((scores[base + place] - scores[base]) / temperature)
            weights[base + place] = weight
            sum += weight
        }
        for place in 0..<depth { weights[base + place] /= sum }
    }
    return weights
}
