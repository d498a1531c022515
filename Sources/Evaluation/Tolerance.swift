public import Tensors

/// How near embeddings of one class lie to each other (sheet contrastive, section 5).
public struct Tolerance: Hashable, Sendable {
    /// The mean similarity of the pairs i < j of one class: what the paper's numbers are.
    public let meanOfSameClass: Double
    /// The mean over all pairs of the similarity times whether both are of one class: the paper's
    /// equation 11 read to the letter, which is bounded by the share of such pairs.
    public let meanOfIndicated: Double

    /// Measures the pairs of labelled embeddings; nil where no two are of one class.
    ///
    /// The similarities of a class's pairs add up to (|sum f|^2 - sum |f|^2) / 2, so that no pair
    /// has to be looked at.
    ///
    /// - Parameters:
    ///   - embeddings: f `[n, D]` of unit length.
    ///   - labels: `[n]`, not negative.
    public init?(of embeddings: Tensor, labels: [Int]) {
        precondition(
            embeddings.shape.rank == 2 && embeddings.shape[0] == labels.count,
            "embeddings \(embeddings.shape) with \(labels.count) labels")
        let d = embeddings.shape[1]
        let classCount = (labels.max() ?? 0) + 1
        var sums = [Double](repeating: 0, count: classCount * d)
        var squares = [Double](repeating: 0, count: classCount)
        var counts = [Int](repeating: 0, count: classCount)
        let f = embeddings.span
        for (row, label) in labels.enumerated() {
            counts[label] += 1
            for column in 0..<d {
                let value = Double(f[row * d + column])
                sums[label * d + column] += value
                squares[label] += value * value
            }
        }
        var (similarity, pairs) = (0.0, 0)
        for label in 0..<classCount {
            let length = sums[(label * d)..<((label + 1) * d)].reduce(0) { $0 + $1 * $1 }
            similarity += (length - squares[label]) / 2
            pairs += counts[label] * (counts[label] - 1) / 2
        }
        guard pairs > 0 else { return nil }
        meanOfSameClass = similarity / Double(pairs)
        meanOfIndicated = similarity / Double(labels.count * (labels.count - 1) / 2)
    }
}
