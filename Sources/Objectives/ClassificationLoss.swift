internal import Kernels

/// A classification loss of some samples over drawn rows (MLCD sheet, sections 2.4 and 3).
///
/// A sample has few positives, which are looked at one by one, and as many negatives as there are
/// other drawn rows, which come as tiles of products:
///
/// 1. The cosines of all positives are known from the start.
/// 2. ``exponentiate(_:columns:inverseLengths:into:)`` turns a tile in place into exponentials and
///    adds them up. Exponentials stand under a fixed power (``ClassificationSettings/scaleMax``),
///    so no maximum is looked for first. It changes nothing here: shards of rows may be worked on
///    in any order, by any threads.
/// 3. ``combine(_:)`` adds the sums of shards up, in rising order.
/// 4. ``finish()`` closes the sums. From then on dL/dc of a negative is its exponential times the
///    sample's ``factors``, that of a positive its ``PositiveTerm/slope``.
public struct ClassificationLoss: Sendable {
    /// The loss and its constants.
    public let settings: ClassificationSettings
    /// The positives of each sample.
    public let positives: PositiveColumns
    /// M, the number of drawn rows.
    public let columnCount: Int
    /// The number of samples that the loss is a mean over: those of the whole step.
    public let divisor: Int
    /// The positives one by one, in the order of ``positives``.
    public private(set) var terms: [PositiveTerm]
    /// What the exponentials of each sample's negatives are multiplied by; empty before `finish`.
    public private(set) var factors: [Float] = []

    private let exponent: CosineExponent
    /// Which columns may be negatives; nil: all.
    private let mayBeNegative: [Bool]?
    /// Sums over the shards so far: exponentials of each sample's negatives.
    private var sums: [Double]
    private var cosines = CosineTotals()

    /// A loss that has seen no negative yet.
    ///
    /// - Parameters:
    ///   - positives: columns among the drawn rows; `softmax` takes exactly one a sample.
    ///   - cosines: of the positives, in their order.
    ///   - columnCount: the number of drawn rows.
    ///   - divisor: samples of the whole step, which may be more than are computed here.
    ///   - negatives: which drawn rows may be negatives (Eq. 5 read to the letter); nil: all. A
    ///     sample's own positives never are. Not for `softmax`.
    public init(
        _ settings: ClassificationSettings, positives: PositiveColumns, cosines: [PositiveCosine],
        columnCount: Int, divisor: Int, negatives: [Bool]? = nil
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
        } else {
            precondition(settings.additiveMargin == 0, "an additive margin is for softmax")
        }
        self.settings = settings
        self.positives = positives
        self.columnCount = columnCount
        self.divisor = divisor
        exponent = settings.exponent
        mayBeNegative = negatives
        terms = PositiveTerm.all(settings, positives, cosines)
        sums = Array(repeating: 0, count: positives.sampleCount)
        for term in terms { self.cosines.positiveSum += Double(term.cosine) }
        self.cosines.positiveCount = terms.count
    }

    /// B, the number of samples.
    public var sampleCount: Int { positives.sampleCount }

    /// The positives of a sample.
    public func terms(of sample: Int) -> ArraySlice<PositiveTerm> {
        terms[positives.offsets[sample]..<positives.offsets[sample + 1]]
    }

    /// The positives of all samples in some columns, by rising column, then sample.
    public func terms(inColumns columns: Range<Int>) -> [PositiveTerm] {
        positives.byColumn(in: columns).map { terms[$0] }
    }

    /// Turns a tile of products in place into e^s / |w|, with 0 where there is no gradient, and
    /// adds e^s and cosines to the sums of a shard.
    ///
    /// - Parameters:
    ///   - tile: `[columns, B]`, the products of drawn rows with unit embeddings.
    ///   - columns: which of the drawn rows they are.
    ///   - inverseLengths: 1 / |w| of each of these rows.
    ///   - sums: what the shard's tiles before gave.
    @_lifetime(tile: copy tile)
    public func exponentiate(
        _ tile: inout MutableSpan<Float>, columns: Range<Int>, inverseLengths: [Float],
        into sums: inout NegativeSums
    ) {
        precondition(
            tile.count == sampleCount * columns.count && columns.upperBound <= columnCount
                && inverseLengths.count == columns.count,
            "a tile of \(tile.count) products for columns \(columns)")
        var own = positives.byColumn(in: columns)
        // Few enough floats in a row that rounding does not add up; the sums of these in doubles.
        for block in RowShards.blocks(of: columns) {
            let place = block.lowerBound - columns.lowerBound
            var part = tile._mutatingExtracting(
                (place * sampleCount)..<((place + block.count) * sampleCount))
            exponentiate(
                &part, block, inverseLengths[place..<(place + block.count)], &own, into: &sums)
        }
    }

    @_lifetime(tile: copy tile)
    private func exponentiate(
        _ tile: inout MutableSpan<Float>, _ columns: Range<Int>,
        _ inverseLengths: ArraySlice<Float>, _ own: inout ArraySlice<Int>,
        into sums: inout NegativeSums
    ) {
        var blockSums = [Float](repeating: 0, count: sampleCount)
        var exponentials = blockSums.mutableSpan
        for (place, column) in columns.enumerated() {
            var row = tile._mutatingExtracting((place * sampleCount)..<((place + 1) * sampleCount))
            let mine = takeTerms(of: column, from: &own)
            if let mayBeNegative, !mayBeNegative[column] {
                Vector.fill(&row, with: 0)
                continue
            }
            // A row is no negative of its own samples: what it adds to their sums is taken back.
            let before = mine.map { exponentials[$0.sample] }
            var sum = Double(
                Vector.exponentiateCosines(
                    &row, times: inverseLengths[inverseLengths.startIndex + place], exponent,
                    addingTo: &exponentials))
            for (term, old) in zip(mine, before) {
                exponentials[term.sample] = old
                row[term.sample] = 0
                sum -= Double(term.cosine)
            }
            sums.cosineSum += sum
            sums.count += sampleCount - mine.count
        }
        for sample in 0..<sampleCount { sums.exponentials[sample] += Double(blockSums[sample]) }
    }

    /// The positives that a column has, by rising sample; they are the first of those left, if any.
    @inline(__always)
    private func takeTerms(of column: Int, from left: inout ArraySlice<Int>) -> [PositiveTerm] {
        guard let first = left.first, terms[first].column == column else { return [] }
        let mine = left.prefix { terms[$0].column == column }
        left = left.dropFirst(mine.count)
        return mine.map { terms[$0] }
    }

    /// Adds a shard's sums to those of the shards before it.
    public mutating func combine(_ shard: NegativeSums) {
        for (sample, sum) in shard.exponentials.enumerated() { sums[sample] += sum }
        cosines.negativeSum += shard.cosineSum
        cosines.negativeCount += shard.count
    }

    /// Closes the sums once every shard is in, and returns the losses.
    public mutating func finish() -> ClassificationValues {
        var values = ClassificationValues(cosines: cosines)
        factors.removeAll(keepingCapacity: true)
        let unit = settings.scale / Float(divisor)
        for sample in 0..<sampleCount {
            let own = positives.offsets[sample]..<positives.offsets[sample + 1]
            let closed = ClosedSums(
                settings.kind, negatives: Float(sums[sample]), shift: exponent.shift,
                positives: terms[own])
            values.append(positivePart: closed.positivePart, negativePart: closed.negativePart)
            factors.append(unit * closed.negativeFactor)
            for place in own {
                let term = terms[place]
                terms[place].slope = unit * closed.slope(of: term) * term.derivative
            }
        }
        return values
    }
}

/// Sums over the negatives in a shard of drawn rows.
public struct NegativeSums: Sendable {
    /// Of each sample e^(s - shift) of its negatives: over blocks of rows in floats, row after row,
    /// those in doubles, block after block.
    public internal(set) var exponentials: [Double]
    /// Of all samples the cosines of their negatives.
    var cosineSum = 0.0
    var count = 0

    /// Sums over no rows.
    public init(sampleCount: Int) {
        exponentials = Array(repeating: 0, count: sampleCount)
    }
}
