import Kernels

/// What one block of drawn rows contributes to a ``ClassificationLoss``.
public struct ClassificationPartial: Sendable {
    /// A positive that lies in the block.
    struct Positive: Sendable {
        var sample: Int
        var column: Int
        /// Clamped to between -1 and 1, without margin.
        var cosine: Float
        /// -s_p, for the softmax loss s_p.
        var logit: Float
        /// Of the margin, by the cosine.
        var derivative: Float
    }

    /// The block's columns among the drawn rows.
    public let columns: Range<Int>
    /// Sums over the block's negatives (for the softmax loss over all its columns).
    public internal(set) var negativeSums: LogSums
    /// Sums over the block's positives; empty for the softmax loss.
    public internal(set) var positiveSums: LogSums
    /// Sums of cosines, for the figures.
    public internal(set) var cosines = CosineTotals()
    /// The block's positives by rising sample and column.
    var positives: [Positive] = []
}

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

    /// Adds the totals of further blocks or samples.
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
    public let cosines: CosineTotals

    init(cosines: CosineTotals) { self.cosines = cosines }

    mutating func append(positivePart: Float, negativePart: Float) {
        positiveParts.append(positivePart)
        negativeParts.append(negativePart)
    }

    /// The loss of each sample `[B]`.
    public var perSample: [Float] { zip(positiveParts, negativeParts).map { $0 + $1 } }

    /// The sum of the samples' losses, in sample order; the step's loss is the sum over its
    /// groups divided by the step's samples.
    public var sum: Double { perSample.reduce(0) { $0 + Double($1) } }
}

extension ClassificationLoss {
    /// Turns a block of cosines in place into exponentials and returns the block's sums.
    ///
    /// Afterwards the block holds exp(s - the sample's maximum in this block) for negatives that
    /// have a gradient and 0 for other columns: one exponential an element serves the loss and
    /// the gradient.
    ///
    /// - Parameters:
    ///   - block: cosines `[B, columns]`, row-major.
    ///   - columns: where the block lies among the drawn rows.
    ///   - operands: what the cosines are products of. Without them the angular margin of a
    ///     positive within 0.001 of -1 or 1 is good to about 1e-4 of the loss only.
    @_lifetime(block: copy block)
    public func partial(
        of block: inout MutableSpan<Float>, columns: Range<Int>, operands: CosineOperands? = nil
    ) -> ClassificationPartial {
        let width = columns.count
        precondition(width > 0 && columns.upperBound <= columnCount, "columns \(columns)")
        precondition(
            block.count == sampleCount * width,
            "block of \(block.count) cosines for \(sampleCount) samples and \(width) columns")
        var result = ClassificationPartial(
            columns: columns, negativeSums: LogSums(sampleCount: sampleCount),
            positiveSums: LogSums(sampleCount: sampleCount))
        for sample in 0..<sampleCount {
            var row = block._mutatingExtracting((sample * width)..<((sample + 1) * width))
            let first = result.positives.count
            collectPositives(of: sample, row, operands, into: &result)
            let own = first..<result.positives.count
            let silent = prepareRow(&row, own: own, &result)
            let top = max(Vector.maximum(row.span), LogSums.noMaximum)
            result.negativeSums.maxima[sample] = top
            result.negativeSums.sums[sample] = Vector.exponentiate(&row, minus: top)
            for place in silent { row[place] = 0 }
            if settings.kind != .softmax { sumPositives(own, of: sample, &result) }
        }
        return result
    }

    /// Notes the sample's positives in the block, their logits and the margin's derivative.
    private func collectPositives(
        of sample: Int, _ row: borrowing MutableSpan<Float>, _ operands: CosineOperands?,
        into result: inout ClassificationPartial
    ) {
        let columns = result.columns
        for place in positives.places(of: sample, in: columns) {
            let column = positives.columns[place]
            let raw = row[column - columns.lowerBound]
            let isSteep = abs(raw) > PositiveMargin.isSteepFrom
            let precise =
                isSteep ? operands?.cosine(sample, column - columns.lowerBound) : nil
            let (value, derivative) = margin.applied(to: raw, precise: precise)
            let s = settings.scale * value
            let cosine = min(max(raw, -1), 1)
            result.positives.append(
                .init(
                    sample: sample, column: column, cosine: cosine,
                    logit: settings.kind == .softmax ? s : -s, derivative: derivative))
            result.cosines.positiveSum += Double(cosine)
            result.cosines.positiveCount += 1
        }
    }

    /// Turns a row of cosines into logits; those of columns that take no part become -infinity.
    ///
    /// Returns the places that count in the sum but have no gradient: cosines that were clamped
    /// and filtered negatives, whose logit is 0.
    @_lifetime(row: copy row)
    private func prepareRow(
        _ row: inout MutableSpan<Float>, own: Range<Int>, _ result: inout ClassificationPartial
    ) -> [Int] {
        let scale = settings.scale
        let summary = Vector.scaleCosines(&row, by: scale)
        var sum = Double(summary.sum)
        var count = row.count
        let start = result.columns.lowerBound
        for positive in result.positives[own] {
            row[positive.column - start] = -.infinity
            sum -= Double(positive.cosine)
            count -= 1
        }
        if let mayBeNegative {
            for column in result.columns where !mayBeNegative[column] {
                guard row[column - start] != -.infinity else { continue }
                sum -= Double(row[column - start] / scale)
                row[column - start] = -.infinity
                count -= 1
            }
        }
        result.cosines.negativeSum += sum
        result.cosines.negativeCount += count
        var silent: [Int] = []
        let limit = settings.filter > 0 ? settings.filter : Float.infinity
        if summary.highest > min(1, limit) || summary.lowest < -1 {
            for place in 0..<row.count where row[place] != -.infinity {
                let isFiltered = row[place] > limit * scale
                if isFiltered { row[place] = 0 }
                if isFiltered || abs(row[place]) >= scale { silent.append(place) }
            }
        }
        if settings.kind == .softmax {
            for positive in result.positives[own] {
                row[positive.column - start] = positive.logit
            }
        }
        return silent
    }

    /// Sums the exponentials of a sample's positives in the block, in column order.
    private func sumPositives(
        _ own: Range<Int>, of sample: Int, _ result: inout ClassificationPartial
    ) {
        var top = LogSums.noMaximum
        for positive in result.positives[own] { top = max(top, positive.logit) }
        var sum: Float = 0
        for positive in result.positives[own] { sum += LaneMath.exp(positive.logit - top) }
        result.positiveSums.maxima[sample] = top
        result.positiveSums.sums[sample] = sum
    }
}
