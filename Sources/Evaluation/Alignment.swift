public import Tensors

/// How near the embeddings of two views of an image lie to each other (Wang and Isola, ICML 2020).
public struct Alignment: Hashable, Sendable {
    /// The mean of |f - f'|^2; 0 is perfect.
    public let meanSquaredDistance: Double
    /// The mean inner product of f and f'.
    public let meanSimilarity: Double

    /// Measures pairs of rows.
    ///
    /// - Parameters:
    ///   - one: f `[n, D]` of unit length, n at least 1.
    ///   - other: f' `[n, D]`, of the other view of the same images.
    public init(of one: Tensor, and other: Tensor) {
        precondition(
            one.shape.rank == 2 && one.shape == other.shape && one.shape[0] > 0,
            "pairs of \(one.shape) and \(other.shape)")
        var (distance, similarity) = (0.0, 0.0)
        let (a, b) = (one.span, other.span)
        for index in 0..<a.count {
            let (x, y) = (Double(a[index]), Double(b[index]))
            distance += (x - y) * (x - y)
            similarity += x * y
        }
        meanSquaredDistance = distance / Double(one.shape[0])
        meanSimilarity = similarity / Double(one.shape[0])
    }
}
