public import Tensors

/// The similarities of an anchor with the other embeddings nearest to it, averaged over anchors
/// rank by rank (sheet contrastive, section 5).
///
/// Beside the similarity with the positive (`Alignment.meanSimilarity`) they show how far a low
/// temperature pushes neighbours away.
///
/// - Parameters:
///   - embeddings: f `[n, D]` of unit length, n above `ranks`; labels do not count.
///   - ranks: how many of the nearest.
///   - threads: without influence on the result.
/// - Returns: the mean similarity with the nearest other embedding, the second nearest, ...
public func meanNearestSimilarities(
    of embeddings: Tensor, ranks: Int = 10, threads: Int
) -> [Double] {
    let n = embeddings.shape[0]
    precondition(ranks > 0 && ranks < n, "\(ranks) nearest of \(n) embeddings")
    // One more, since an embedding is among its own nearest.
    let nearest = NearestRows(
        of: embeddings, among: embeddings, depth: ranks + 1, threads: threads)
    var sums = [Double](repeating: 0, count: ranks)
    for anchor in 0..<n {
        var rank = 0
        for place in (anchor * (ranks + 1))..<((anchor + 1) * (ranks + 1))
        where Int(nearest.columns[place]) != anchor && rank < ranks {
            sums[rank] += Double(nearest.scores[place])
            rank += 1
        }
    }
    return sums.map { $0 / Double(n) }
}
