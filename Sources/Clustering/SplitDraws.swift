internal import Tensors

/// What decides which cluster is split to refill an empty one.
public enum SplitDraws: Sendable {
    /// A cluster drawn in proportion to its members less one, by counter: keyed by seed and
    /// iteration.
    case counter(seed: UInt64)
    /// faiss's walk with given numbers in [0, 1), used in order and from the first again in every
    /// iteration.
    case given([Float])
}

/// Refills empty clusters by splitting others (sheet MLCD 2.1 point 4).
///
/// For each empty cluster i in rising order a cluster j is chosen; then center j is shared out
/// between i and j, coordinates times 1 +- 1/1024 (i gets + on even ones), and half of its count
/// goes to i. faiss (`split_clusters`) walks j = 0, 1, ... cyclically until a uniform number is
/// below (count_j - 1) / (n - k), so it stops at j with a chance in proportion to count_j - 1, but
/// for the walk's start. With given numbers we walk as it does. With a seed we draw j in that
/// proportion at once, since a walk takes some k steps: at a million centers, hours.
///
/// - Parameters:
///   - centers: `[k, d]`, changed in place.
///   - counts: samples of each cluster as assigned; become those after the splits.
///   - sampleCount: n, the sum of `counts`.
/// - Returns: how many clusters were refilled.
func refillEmptyClusters(
    _ centers: inout Tensor, counts: inout [Int], sampleCount n: Int, iteration: Int,
    draws: SplitDraws
) throws(ClusteringError) -> Int {
    let empty = counts.indices.filter { counts[$0] == 0 }
    guard !empty.isEmpty else { return 0 }
    var choice: SplitChoice =
        switch draws {
        case .counter(let seed):
            .drawn(
                WeightedDraw(weights: counts.map { max(0, $0 - 1) }),
                CounterRandom(seed: seed, stream: .kmeansSplit, a: UInt64(iteration)))
        case .given(let numbers): .walked(numbers[...])
        }
    for (place, i) in empty.enumerated() {
        let j = try choice.cluster(toSplit: counts, sampleCount: n, place: place)
        share(&centers, from: j, to: i)
        counts[i] = counts[j] / 2
        counts[j] -= counts[i]
        choice.update(i, counts[i])
        choice.update(j, counts[j])
    }
    return empty.count
}

/// As above, for who needs the counts as they were.
func refillEmptyClusters(
    _ centers: inout Tensor, counts: [Int], sampleCount: Int, iteration: Int, draws: SplitDraws
) throws(ClusteringError) -> Int {
    var counts = counts
    return try refillEmptyClusters(
        &centers, counts: &counts, sampleCount: sampleCount, iteration: iteration, draws: draws)
}

/// How the next cluster to split is found.
private enum SplitChoice {
    case drawn(WeightedDraw, CounterRandom)
    case walked(ArraySlice<Float>)

    mutating func cluster(
        toSplit counts: [Int], sampleCount n: Int, place: Int
    ) throws(ClusteringError) -> Int {
        switch self {
        case .drawn(let weights, let random):
            return weights.index(at: random.integer(at: place, below: weights.total))
        case .walked(var numbers):
            var j = 0
            while let number = numbers.popFirst() {
                if Double(number) < (Double(counts[j]) - 1) / Double(n - counts.count) {
                    self = .walked(numbers)
                    return j
                }
                j = (j + 1) % counts.count
            }
            throw .drawsExhausted(used: numbers.startIndex)
        }
    }

    mutating func update(_ cluster: Int, _ count: Int) {
        guard case .drawn(var weights, let random) = self else { return }
        self = .walked([])  // so that the weights have one owner while they change
        weights.set(cluster, to: max(0, count - 1))
        self = .drawn(weights, random)
    }
}

/// Whole weights of which one is found by its place in their sum (a Fenwick tree).
struct WeightedDraw: Sendable {
    /// Node i holds the sum of the weights i + 1 - lowbit(i + 1) ..< i + 1.
    private var tree: [Int]
    private var weights: [Int]
    /// The sum of all weights.
    private(set) var total: Int

    init(weights: [Int]) {
        self.weights = weights
        total = weights.reduce(0, +)
        tree = weights
        for node in 1...max(tree.count, 1) where node <= tree.count {
            let parent = node + (node & -node)
            if parent <= tree.count { tree[parent - 1] += tree[node - 1] }
        }
    }

    /// Changes a weight.
    mutating func set(_ index: Int, to weight: Int) {
        let change = weight - weights[index]
        guard change != 0 else { return }
        weights[index] = weight
        total += change
        var node = index + 1
        while node <= tree.count {
            tree[node - 1] += change
            node += node & -node
        }
    }

    /// The index i for which the weights before i sum to at most `place` and those up to i to more.
    func index(at place: Int) -> Int {
        precondition((0..<total).contains(place), "place \(place) of \(total)")
        var (node, rest) = (0, place)
        var step = 1 << (Int.bitWidth - 1 - tree.count.leadingZeroBitCount)
        while step > 0 {
            if node + step <= tree.count, tree[node + step - 1] <= rest {
                node += step
                rest -= tree[node - 1]
            }
            step /= 2
        }
        return node
    }
}

private func share(_ centers: inout Tensor, from j: Int, to i: Int) {
    let d = centers.shape[1]
    let epsilon: Float = 1 / 1024
    var values = centers.mutableSpan
    for column in 0..<d {
        let sign: Float = column.isMultiple(of: 2) ? 1 : -1
        let value = values[j * d + column]
        values[i * d + column] = value * (1 + sign * epsilon)
        values[j * d + column] = value * (1 - sign * epsilon)
    }
}
