internal import Kernels
public import Tensors

/// Classification by the nearest rows of a bank, each voting e^(s/sigma) for its class: the monitor
/// of instance discrimination (Wu et al., CVPR 2018; sheet contrastive, section 5).
public struct NeighbourScores: Sendable {
    /// Neighbours of each query.
    public let neighbourCount: Int
    /// Classes that may get votes.
    public let classCount: Int
    /// `[queries, neighbourCount]`, rows of the bank, most similar first.
    public let neighbours: [Int32]
    /// `[queries, classCount]`.
    public let scores: [Float]

    /// Lets the bank vote about every query.
    ///
    /// - Parameters:
    ///   - queries: `[m, D]`, of unit length.
    ///   - bank: `[n, D]`, as it is: rows of a memory bank need not be of unit length.
    ///   - labels: the class of each row, in `0..<classCount`.
    ///   - neighbours: at most n.
    ///   - sigma: the temperature of the votes, so high that e^(1/sigma) is a float.
    ///   - threads: without influence on the result.
    public init(
        queries: Tensor, bank: Tensor, labels: [Int], classCount: Int, neighbours: Int = 200,
        sigma: Float = 0.07, threads: Int
    ) {
        precondition(labels.count == bank.shape[0], "\(labels.count) labels of \(bank.shape)")
        precondition(labels.allSatisfy { (0..<classCount).contains($0) }, "label range")
        precondition(sigma >= 0.02, "votes of temperature \(sigma)")
        let nearest = NearestRows(
            of: queries, among: bank, depth: neighbours, threads: threads)
        var scores = [Float](repeating: 0, count: nearest.rowCount * classCount)
        for query in 0..<nearest.rowCount {
            for place in (query * neighbours)..<((query + 1) * neighbours) {
                let label = labels[Int(nearest.columns[place])]
                scores[query * classCount + label] += LaneMath.exp(nearest.scores[place] / sigma)
            }
        }
        neighbourCount = neighbours
        self.classCount = classCount
        self.neighbours = nearest.columns
        self.scores = scores
    }

    /// The class with most votes of each query, of equal ones the lowest.
    public var predictions: [Int] { predictedClasses(scores, classCount: classCount) }

    /// Share of queries whose true class got most votes.
    public func accuracy(_ labels: [Int]) -> Double {
        topAccuracy(scores, classCount: classCount, labels: labels)
    }
}
