internal import Tensors

/// The uniform numbers that decide which cluster is split to refill an empty one.
public enum SplitDraws: Sendable {
    /// Counter-based, keyed by seed and iteration.
    case counter(seed: UInt64)
    /// Given numbers in [0, 1), used in order and from the first again in every iteration.
    case given([Float])

    /// Number `cursor` of iteration `iteration`; nil if the given ones are used up.
    func value(iteration: Int, cursor: Int) -> Float? {
        switch self {
        case .counter(let seed):
            return CounterRandom(seed: seed, stream: .kmeansSplit, a: UInt64(iteration), b: 0)
                .uniform(at: cursor)
        case .given(let draws):
            return cursor < draws.count ? draws[cursor] : nil
        }
    }
}

/// Refills empty clusters as faiss does (sheet MLCD 2.1 point 4; `split_clusters` in faiss).
///
/// For each empty cluster i in rising order: walk j = 0, 1, ... cyclically, draw a uniform number,
/// stop at j when it is below (count_j - 1) / (n - k); then center j is shared out between i and j,
/// coordinates times 1 +- 1/1024 (i gets + on even ones), and half of its count goes to i.
///
/// - Parameters:
///   - centers: `[k, d]`, changed in place.
///   - counts: samples of each cluster as assigned; the caller's copy stays as it is.
///   - sampleCount: n.
/// - Returns: how many clusters were refilled.
func refillEmptyClusters(
    _ centers: inout Tensor, counts: [Int], sampleCount n: Int, iteration: Int, draws: SplitDraws
) throws(ClusteringError) -> Int {
    let (k, d) = (centers.shape[0], centers.shape[1])
    var counts = counts
    var cursor = 0
    var refilled = 0
    for i in 0..<k where counts[i] == 0 {
        var j = 0
        while true {
            guard let draw = draws.value(iteration: iteration, cursor: cursor) else {
                throw .drawsExhausted(used: cursor)
            }
            cursor += 1
            if Double(draw) < (Double(counts[j]) - 1) / Double(n - k) { break }
            j = (j + 1) % k
        }
        share(&centers, from: j, to: i, d: d)
        counts[i] = counts[j] / 2
        counts[j] -= counts[i]
        refilled += 1
    }
    return refilled
}

private func share(_ centers: inout Tensor, from j: Int, to i: Int, d: Int) {
    let epsilon: Float = 1 / 1024
    var values = centers.mutableSpan
    for column in 0..<d {
        let sign: Float = column.isMultiple(of: 2) ? 1 : -1
        let value = values[j * d + column]
        values[i * d + column] = value * (1 + sign * epsilon)
        values[j * d + column] = value * (1 - sign * epsilon)
    }
}
