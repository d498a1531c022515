internal import Kernels
public import Tensors
internal import Threads

/// How the softmax contrastive loss divides its push among negatives by how near they lie, as a
/// mean over anchors (Wang and Liu, CVPR 2021, section 3; sheet contrastive, section 2).
///
/// r_j = e^(s_j/tau) / sum of it over the negatives; it does not depend on the positive.
public struct PenaltyProfile: Hashable, Sendable {
    /// A loss that is asked about.
    public struct Loss: Hashable, Sendable {
        /// tau.
        public var temperature: Double
        /// The nearest negatives that the loss looks at; nil: all of them.
        public var hardest: Int?

        /// The loss of this temperature over all negatives, or the nearest.
        public init(temperature: Double, hardest: Int? = nil) {
            self.temperature = temperature
            self.hardest = hardest
        }
    }

    /// The share of the push that an anchor's nearest negatives get together.
    public struct NearestShare: Hashable, Sendable {
        /// How many of the nearest.
        public var count: Int
        /// Their share of the push, 0 to 1.
        public var share: Double

        /// The share of so many nearest negatives.
        public init(count: Int, share: Double) {
            self.count = count
            self.share = share
        }
    }

    /// Which loss.
    public var loss: Loss
    /// H(r) = -sum r log r, in nats: the lower, the more the nearest negatives are pushed alone.
    public var entropy: Double
    /// The shares of the nearest negatives: of one, and of ten times as many as long as there are
    /// more.
    public var nearest: [NearestShare]
    /// The share of the push that goes to negatives in each bin of `SimilarityHistogram`.
    public var bySimilarity: [Double]

    /// A profile of these figures.
    public init(
        loss: Loss, entropy: Double, nearest: [NearestShare], bySimilarity: [Double]
    ) {
        self.loss = loss
        self.entropy = entropy
        self.nearest = nearest
        self.bySimilarity = bySimilarity
    }

    /// The number of negatives among which an even push has the same entropy: e^H.
    public var effectiveNegatives: Double { DoubleMath.exp(entropy) }
}

extension PenaltyProfile {
    /// Anchors whose similarities are in memory together: fixed, for the bits of a product follow
    /// its shape.
    private static let blockAnchors = 32

    /// The profiles of some losses.
    ///
    /// The first embeddings are the anchors; the negatives of each are all other embeddings.
    ///
    /// - Parameters:
    ///   - losses: each with a temperature above 0.
    ///   - embeddings: f `[n, D]` of unit length, n at least 2.
    ///   - anchors: how many of them are anchors, 1 to n.
    ///   - threads: without influence on the result.
    public static func profiles(
        of losses: [Loss], embeddings: Tensor, anchors: Int, threads: Int
    ) -> [PenaltyProfile] {
        precondition(
            embeddings.shape.rank == 2 && embeddings.shape[0] > 1, "embeddings \(embeddings.shape)")
        precondition((1...embeddings.shape[0]).contains(anchors), "\(anchors) anchors")
        let blocks = (anchors + blockAnchors - 1) / blockAnchors
        let parts = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * blockAnchors
            return sums(
                of: losses, embeddings: embeddings,
                anchors: first..<min(anchors, first + blockAnchors))
        }
        let share = 1 / Double(anchors)
        return losses.indices.map { place in
            var sum = Sum(ranks: ranks(below: embeddings.shape[0] - 1).count)
            for part in parts { sum.add(part[place]) }
            return PenaltyProfile(
                loss: losses[place], entropy: sum.entropy * share,
                nearest: zip(ranks(below: embeddings.shape[0] - 1), sum.nearest).map {
                    NearestShare(count: $0, share: $1 * share)
                },
                bySimilarity: sum.bySimilarity.map { $0 * share })
        }
    }

    /// Powers of ten below the number of negatives; 1 where there is one negative.
    private static func ranks(below negatives: Int) -> [Int] {
        var ranks = [1]
        while let last = ranks.last, last <= negatives / 10, 10 * last < negatives {
            ranks.append(10 * last)
        }
        return ranks
    }

    /// A profile before it is divided by the number of anchors.
    fileprivate struct Sum {
        var entropy = 0.0
        var nearest: [Double]
        var bySimilarity = [Double](repeating: 0, count: SimilarityHistogram.binCount)

        init(ranks: Int) { nearest = [Double](repeating: 0, count: ranks) }

        mutating func add(_ other: Sum) {
            entropy += other.entropy
            for place in nearest.indices { nearest[place] += other.nearest[place] }
            for bin in bySimilarity.indices { bySimilarity[bin] += other.bySimilarity[bin] }
        }
    }

    @inline(never)
    private static func sums(
        of losses: [Loss], embeddings f: Tensor, anchors: Range<Int>
    ) -> [Sum] {
        let n = f.shape[0]
        var similarities = [Float](repeating: 0, count: anchors.count * n)
        forEachScoreTile(f.rows(anchors), f) { tile, columns in
            for row in 0..<anchors.count {
                for column in columns {
                    similarities[row * n + column] =
                        tile[row * columns.count + column - columns.lowerBound]
                }
            }
        }
        let ranks = ranks(below: n - 1)
        var sums = losses.map { _ in Sum(ranks: ranks.count) }
        for (row, anchor) in anchors.enumerated() {
            let s = Array(similarities[(row * n)..<((row + 1) * n)])
            // Negatives, the nearest first; of equal ones the first rows.
            let negatives = (0..<Int32(n)).filter { Int($0) != anchor }
            let order = negatives.sorted { (first: Int32, second: Int32) -> Bool in
                let (one, other) = (s[Int(first)], s[Int(second)])
                return one != other ? one > other : first < second
            }
            for place in losses.indices {
                let analysis = PenaltyAnalysis(
                    similarities: s, own: anchor, temperature: losses[place].temperature,
                    among: losses[place].hardest.map { Array(order.prefix($0)) })
                sums[place].add(analysis, similarities: s, order: order, ranks: ranks)
            }
        }
        return sums
    }
}

extension PenaltyProfile.Sum {
    /// Adds an anchor.
    ///
    /// - Parameter order: its negatives, the nearest first.
    fileprivate mutating func add(
        _ analysis: PenaltyAnalysis, similarities: [Float], order: [Int32], ranks: [Int]
    ) {
        entropy += analysis.entropy
        var share = 0.0
        var rank = 0
        for (place, column) in order.enumerated() {
            let r = analysis.relativePenalties[Int(column)]
            share += r
            if rank < ranks.count, ranks[rank] == place + 1 {
                nearest[rank] += share
                rank += 1
            }
            bySimilarity[SimilarityHistogram.bin(of: similarities[Int(column)])] += r
        }
    }
}
