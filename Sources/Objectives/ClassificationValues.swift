/// Sums of cosines and how many they are: figures that show progress, unlike the loss, whose
/// level depends on the number of rows.
public struct CosineTotals: Sendable, Equatable {
    /// The sum over positives of their cosine, without margin.
    public internal(set) var positiveSum = 0.0
    /// The number of positives.
    public internal(set) var positiveCount = 0
    /// The sum over negatives of their cosine.
    public internal(set) var negativeSum = 0.0
    /// The number of negatives.
    public internal(set) var negativeCount = 0

    /// No cosines.
    public init() {}

    /// Adds the totals of further shards or samples.
    public mutating func add(_ other: CosineTotals) {
        positiveSum += other.positiveSum
        positiveCount += other.positiveCount
        negativeSum += other.negativeSum
        negativeCount += other.negativeCount
    }

    /// The mean cosine between a sample and its positives; 0 without any.
    public var positiveMean: Double {
        positiveCount == 0 ? 0 : positiveSum / Double(positiveCount)
    }

    /// The mean cosine between a sample and its negatives; 0 without any.
    public var negativeMean: Double {
        negativeCount == 0 ? 0 : negativeSum / Double(negativeCount)
    }
}

/// The losses of samples.
public struct ClassificationValues: Sendable, Equatable {
    /// The positive term of each sample's loss `[B]`; all 0 unless the loss is MLCD.
    public private(set) var positiveParts: [Float] = []
    /// The negative term of each sample's loss `[B]`; the whole loss unless it is MLCD.
    public private(set) var negativeParts: [Float] = []
    /// Sums of cosines.
    public private(set) var cosines: CosineTotals

    /// No samples, with these sums of cosines.
    public init(cosines: CosineTotals = CosineTotals()) { self.cosines = cosines }

    mutating func append(positivePart: Float, negativePart: Float) {
        positiveParts.append(positivePart)
        negativeParts.append(negativePart)
    }

    /// Appends further samples.
    public mutating func append(_ next: ClassificationValues) {
        positiveParts += next.positiveParts
        negativeParts += next.negativeParts
        cosines.add(next.cosines)
    }

    /// Adds another loss of the same samples, each part to its own.
    public mutating func add(_ other: ClassificationValues) {
        precondition(
            other.positiveParts.count == positiveParts.count,
            "losses of \(other.positiveParts.count) samples added to \(positiveParts.count)")
        for sample in positiveParts.indices {
            positiveParts[sample] += other.positiveParts[sample]
            negativeParts[sample] += other.negativeParts[sample]
        }
        cosines.add(other.cosines)
    }

    /// The loss of each sample `[B]`.
    public var perSample: [Float] { zip(positiveParts, negativeParts).map { $0 + $1 } }

    /// The sum of the samples' losses, in sample order; the step's loss is the sum over its
    /// groups divided by the step's samples.
    public var sum: Double { perSample.reduce(0) { $0 + Double($1) } }
}
