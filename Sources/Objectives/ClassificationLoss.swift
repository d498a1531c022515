import Kernels

/// A classification loss over drawn rows, computed block by block (MLCD sheet, sections 2.4, 3).
///
/// The caller multiplies unit embeddings `[B, D]` with blocks of unit rows `[M_b, D]` and hands
/// the blocks of cosines `[B, M_b]` over:
///
/// 1. ``partial(of:columns:operands:)`` turns each block in place into exponentials and returns
///    its sums. It changes nothing here, so blocks may be worked on in any order and thread.
/// 2. ``combine(_:)`` adds the sums up, block after block in rising order.
/// 3. ``finish()`` closes the sums and gives the losses.
/// 4. ``gradient(of:_:)`` turns a block of exponentials in place into G, the derivative of the
///    loss by the cosines. A caller that did not keep the block makes it again: step 1 once more.
///
/// Then dL/dz^ += G W^ and dL/dW^ = G^T z^ (see ``UnitRows`` for the way back to z and W). Blocks
/// are the shards of the sheet; their width, fixed by the caller, decides bits, threads do not.
public struct ClassificationLoss: Sendable {
    /// Columns of a block where the caller has no reason for another width: with 128 samples a
    /// block of cosines takes 512 KiB, which stays in a core's cache from product to gradient.
    public static let columnsPerBlock = 1024

    /// The loss and its constants.
    public let settings: ClassificationSettings
    /// The positives of each sample.
    public let positives: PositiveColumns
    /// M, the number of drawn rows.
    public let columnCount: Int
    /// The number of samples that the loss is a mean over: those of the whole step.
    public let divisor: Int

    /// Sums over the logits of all blocks so far: of negatives, for ``ClassificationSettings/Kind``
    /// `softmax` of all classes.
    public private(set) var negativeSums: LogSums
    /// Sums over the positives' logits -s_p of all blocks so far; unused by `softmax`.
    public private(set) var positiveSums: LogSums
    /// How many columns were combined so far.
    public private(set) var combinedColumns = 0

    let margin: PositiveMargin
    /// Which columns may be negatives; nil: all.
    let mayBeNegative: [Bool]?
    private var targetLogits: [Float]
    private var cosines = CosineTotals()
    private var factors: [SampleFactors] = []

    /// A loss that has seen no block yet.
    ///
    /// - Parameters:
    ///   - positives: columns among the drawn rows; `softmax` takes exactly one a sample.
    ///   - columnCount: the number of drawn rows.
    ///   - divisor: samples of the whole step, which may be more than are computed here.
    ///   - negatives: which drawn rows may be negatives (Eq. 5 read to the letter); nil: all. A
    ///     sample's own positives never are. Not for `softmax`.
    public init(
        _ settings: ClassificationSettings, positives: PositiveColumns, columnCount: Int,
        divisor: Int, negatives: [Bool]? = nil
    ) {
        precondition(divisor > 0, "a mean over \(divisor) samples")
        precondition(
            positives.columns.allSatisfy { $0 < columnCount },
            "a positive column lies beyond the \(columnCount) drawn rows")
        precondition(
            negatives.map { $0.count == columnCount } ?? true,
            "negatives are marked for \(negatives?.count ?? 0) of \(columnCount) rows")
        if settings.kind == .softmax {
            let counts = zip(positives.offsets.dropFirst(), positives.offsets).map { $0 - $1 }
            precondition(
                counts.allSatisfy { $0 == 1 }, "the softmax loss has one positive a sample")
            precondition(negatives == nil, "the softmax loss takes every drawn row")
        }
        self.settings = settings
        self.positives = positives
        self.columnCount = columnCount
        self.divisor = divisor
        mayBeNegative = negatives
        margin = PositiveMargin(settings)
        negativeSums = LogSums(sampleCount: positives.sampleCount)
        positiveSums = LogSums(sampleCount: positives.sampleCount)
        targetLogits = Array(repeating: 0, count: positives.sampleCount)
    }

    /// B, the number of samples.
    public var sampleCount: Int { positives.sampleCount }

    /// Adds a block's sums to those of the blocks before it.
    ///
    /// - Precondition: blocks come in rising order and leave no column out.
    public mutating func combine(_ partial: ClassificationPartial) {
        precondition(
            partial.columns.lowerBound == combinedColumns,
            "block \(partial.columns) follows \(combinedColumns) columns")
        combinedColumns = partial.columns.upperBound
        negativeSums.merge(partial.negativeSums)
        positiveSums.merge(partial.positiveSums)
        cosines.add(partial.cosines)
        if settings.kind == .softmax {
            for positive in partial.positives {
                targetLogits[positive.sample] = positive.logit
            }
        }
    }

    /// Turns a block of cosines into exponentials, and adds its sums:
    /// ``partial(of:columns:operands:)`` and ``combine(_:)`` in one, for callers that go through
    /// the blocks in order.
    @_lifetime(block: copy block)
    public mutating func accumulate(
        _ block: inout MutableSpan<Float>, columns: Range<Int>, operands: CosineOperands? = nil
    ) -> ClassificationPartial {
        let result = partial(of: &block, columns: columns, operands: operands)
        combine(result)
        return result
    }

    /// Closes the sums once every block is in, and returns the losses.
    ///
    /// - Precondition: every column was combined.
    public mutating func finish() -> ClassificationValues {
        precondition(
            combinedColumns == columnCount,
            "\(combinedColumns) of \(columnCount) columns were combined")
        var values = ClassificationValues(cosines: cosines)
        factors.removeAll(keepingCapacity: true)
        let unit = settings.scale / Float(divisor)
        for sample in 0..<sampleCount {
            let (parts, factor) = closed(sample, unit: unit)
            values.append(positivePart: parts.positive, negativePart: parts.negative)
            factors.append(factor)
        }
        return values
    }

    /// The parts of a sample's loss, and what its exponentials are multiplied by for the gradient.
    private func closed(
        _ sample: Int, unit: Float
    ) -> (parts: (positive: Float, negative: Float), factor: SampleFactors) {
        switch settings.kind {
        case .mlcd:
            let p = positiveSums.withOne(sample)
            let n = negativeSums.withOne(sample)
            let factor = SampleFactors(
                negativeTop: n.top, negative: unit / n.sum, positiveTop: p.top,
                positive: unit / p.sum)
            return ((p.top + LaneMath.log(p.sum), n.top + LaneMath.log(n.sum)), factor)
        case .mlc:
            let (pSum, nSum) = (positiveSums.sums[sample], negativeSums.sums[sample])
            guard pSum > 0, nSum > 0 else { return ((0, 0), .none) }
            let (pTop, nTop) = (positiveSums.maxima[sample], negativeSums.maxima[sample])
            let x = (pTop + LaneMath.log(pSum)) + (nTop + LaneMath.log(nSum))  // log ab
            let e = LaneMath.exp(-abs(x))
            let sigma = x >= 0 ? 1 / (1 + e) : e / (1 + e)  // ab / (1 + ab)
            let factor = SampleFactors(
                negativeTop: nTop, negative: sigma * unit / nSum, positiveTop: pTop,
                positive: sigma * unit / pSum)
            return ((0, max(x, 0) + LaneMath.log(1 + e)), factor)
        case .softmax:
            let (top, sum) = (negativeSums.maxima[sample], negativeSums.sums[sample])
            let factor = SampleFactors(
                negativeTop: top, negative: unit / sum, positiveTop: 0, positive: unit)
            return ((0, top - targetLogits[sample] + LaneMath.log(sum)), factor)
        }
    }

    /// Turns a block of exponentials in place into G, the derivative of the mean loss by the
    /// cosines, `[B, columns]`.
    ///
    /// - Parameters:
    ///   - block: what ``partial(of:columns:operands:)`` left there.
    ///   - partial: what it returned.
    /// - Precondition: ``finish()`` was called.
    @_lifetime(block: copy block)
    public func gradient(
        of block: inout MutableSpan<Float>, _ partial: ClassificationPartial
    ) {
        precondition(factors.count == sampleCount, "the sums are not closed yet")
        let width = partial.columns.count
        precondition(block.count == sampleCount * width, "\(block.count) values for a block")
        for sample in 0..<sampleCount {
            let factor = factors[sample]
            let shift = LaneMath.exp(partial.negativeSums.maxima[sample] - factor.negativeTop)
            var row = block._mutatingExtracting((sample * width)..<((sample + 1) * width))
            Vector.scale(&row, by: factor.negative * shift)
        }
        for positive in partial.positives {
            let factor = factors[positive.sample]
            let place = positive.sample * width + positive.column - partial.columns.lowerBound
            if settings.kind == .softmax {
                let probability = LaneMath.exp(positive.logit - factor.negativeTop)
                block[place] =
                    (probability * factor.negative - factor.positive) * positive.derivative
            } else {
                let e = LaneMath.exp(positive.logit - factor.positiveTop)
                block[place] = -factor.positive * e * positive.derivative
            }
        }
    }
}

/// What the exponentials of a sample are multiplied by to become gradients.
struct SampleFactors: Sendable {
    var negativeTop: Float
    var negative: Float
    var positiveTop: Float
    var positive: Float

    /// No gradient: a sample without positives or negatives under equation 4.
    static let none = SampleFactors(negativeTop: 0, negative: 0, positiveTop: 0, positive: 0)
}
