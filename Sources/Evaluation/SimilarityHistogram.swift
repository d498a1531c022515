public import Tensors
internal import Threads

/// How similarities of unit vectors are spread: counts in bins of equal width from -1 to 1.
public struct SimilarityHistogram: Hashable, Sendable {
    /// Bins; each is 0.02 wide.
    public static let binCount = 100

    /// How many similarities lie in each bin, from -1 up.
    public private(set) var counts: [Int]

    /// A histogram of nothing.
    public init() { counts = [Int](repeating: 0, count: Self.binCount) }

    /// A histogram of these counts; nil if they are not `binCount`, or one is negative.
    public init?(counts: [Int]) {
        guard counts.count == Self.binCount, counts.allSatisfy({ $0 >= 0 }) else { return nil }
        self.counts = counts
    }

    /// A histogram of these similarities.
    public init(of similarities: [Float]) {
        self.init()
        for similarity in similarities { counts[Self.bin(of: similarity)] += 1 }
    }

    /// The bin of a similarity; what rounding put beyond -1 or 1 counts in the outermost bins.
    static func bin(of similarity: Float) -> Int {
        let place = (similarity + 1) * Float(binCount / 2)
        return place < 0 ? 0 : min(Int(place), binCount - 1)
    }

    /// The least similarity of a bin; that of bin `binCount` is 1.
    public static func edge(_ bin: Int) -> Double {
        Double(2 * bin - binCount) / Double(binCount)
    }

    /// Similarities that were counted.
    public var total: Int { counts.reduce(0, +) }

    /// The share of all similarities that lies in each bin; zeros if there are none.
    public var shares: [Double] {
        let total = Double(max(1, total))
        return counts.map { Double($0) / total }
    }

    fileprivate mutating func count(_ similarity: Float) { counts[Self.bin(of: similarity)] += 1 }

    fileprivate mutating func add(_ other: SimilarityHistogram) {
        for bin in counts.indices { counts[bin] += other.counts[bin] }
    }
}

extension SimilarityHistogram {
    /// The similarities of all pairs i < j, those of one class and those of two apart.
    ///
    /// - Parameters:
    ///   - embeddings: f `[n, D]` of unit length, finite.
    ///   - labels: `[n]`.
    ///   - threads: without influence on the result.
    public static func ofPairs(
        of embeddings: Tensor, labels: [Int], threads: Int
    ) -> (sameClass: SimilarityHistogram, otherClass: SimilarityHistogram) {
        precondition(
            embeddings.shape.rank == 2 && embeddings.shape[0] == labels.count,
            "embeddings \(embeddings.shape) with \(labels.count) labels")
        let n = labels.count
        let blocks = (n + pairBlockRows - 1) / pairBlockRows
        let parts = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * pairBlockRows
            return countedPairs(embeddings, labels, first..<min(n, first + pairBlockRows))
        }
        var (same, other) = (SimilarityHistogram(), SimilarityHistogram())
        for part in parts {
            same.add(part.sameClass)
            other.add(part.otherClass)
        }
        return (same, other)
    }
}

/// Rows whose pairs are looked at together: fixed, for the bits of a product follow its shape.
private let pairBlockRows = 256

/// Counts the pairs of rows i of a block with all j > i.
@inline(never)
private func countedPairs(
    _ f: Tensor, _ labels: [Int], _ rows: Range<Int>
) -> (sameClass: SimilarityHistogram, otherClass: SimilarityHistogram) {
    var (same, other) = (SimilarityHistogram(), SimilarityHistogram())
    let first = rows.lowerBound
    // Only rows from the block's first on can be behind one of its own.
    forEachScoreTile(f.rows(rows), f.rows(first..<labels.count)) { tile, columns in
        for row in 0..<rows.count where columns.upperBound > row + 1 {
            let label = labels[first + row]
            // Columns count from the block's first row, as rows do.
            for column in max(columns.lowerBound, row + 1)..<columns.upperBound {
                let similarity = tile[row * columns.count + column - columns.lowerBound]
                if labels[first + column] == label {
                    same.count(similarity)
                } else {
                    other.count(similarity)
                }
            }
        }
    }
    return (same, other)
}
