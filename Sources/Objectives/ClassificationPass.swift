public import Buffers
public import Tensors
internal import Kernels

/// Some samples of a step against the drawn rows (MLCD sheet, sections 2.4 and 2.6).
///
/// With W the drawn rows as they are, z^ the embeddings at unit length and E = e^(s - shift):
///
///     tile    [rows, n]   E / |w| from W z^T / |w|
///     dL/dz^  [n, D]      f tile^T W, plus the positives
///     dL/dW   [rows, D]   tile (f z^), plus the positives, less what points along the row
///
/// The factor f of a sample is known when all its exponentials are summed, and comes out of the
/// sum that is dL/dz^. So one pass over the rows answers the samples; the tiles, or the rows once
/// more, give dL/dW later. Shards are independent of each other; their parts are added in rising
/// order.
public struct ClassificationPass: Sendable {
    /// z^ and lengths of the samples.
    private let z: UnitRows
    /// z^T `[D, n]` in panels.
    private let transposed: Tensor
    /// f z^ `[n, D]` in panels, once the loss is closed.
    private var scaled = Tensor(zeros: [0])
    /// The loss of the samples, closed once all shards are in.
    public private(set) var loss: ClassificationLoss

    /// Samples of a pass at most: a partial dL/dz of each shard is held, 1 MiB or so.
    public static func sampleCountMax(dim: Int) -> Int { max(16, min(256, (1 << 18) / dim)) }

    /// Samples that no shard has answered yet.
    ///
    /// - Parameters:
    ///   - z: n embeddings at unit length.
    ///   - loss: the loss of these samples.
    public init(_ z: UnitRows, loss: ClassificationLoss) {
        let (n, dim) = (z.unit.shape[0], z.unit.shape[1])
        precondition(loss.sampleCount == n, "\(n) embeddings for \(loss.sampleCount) samples")
        self.z = z
        self.loss = loss
        var panels = Tensor(uninitialized: [PanelProduct.floatCount(rows: dim, columns: n)])
        var span = panels.mutableSpan
        PanelProduct.packTransposed(z.unit.span, rows: dim, columns: n, into: &span)
        transposed = panels
    }

    /// The cosines between samples and the rows of their positive classes.
    ///
    /// - Parameter samples: those whose positives are looked at.
    public static func positiveCosines(
        _ z: UnitRows, _ positives: PositiveColumns, of samples: Range<Int>,
        _ rows: some DrawnRows
    ) -> [PositiveCosine] {
        let dim = rows.dim
        var cosines: [PositiveCosine] = []
        var row = Tensor(uninitialized: [dim])
        for sample in samples {
            for place in positives.offsets[sample]..<positives.offsets[sample + 1] {
                let column = positives.columns[place]
                var span = row.mutableSpan
                rows.copy(column..<(column + 1), into: &span)
                let unit = z.unit.span.extracting((sample * dim)..<((sample + 1) * dim))
                cosines.append(PositiveCosine(unit: unit, row: span.span))
            }
        }
        return cosines
    }

    /// The number of samples.
    public var sampleCount: Int { loss.sampleCount }

    private var dim: Int { z.unit.shape[1] }

    /// What a shard contributes to the loss and to dL/dz.
    public struct ShardAnswer: Sendable {
        /// Sums over its negatives.
        public var sums: NegativeSums
        /// tile^T W `[n, D]`.
        public var products: Tensor
    }

    /// Goes through a shard: logits, exponentials, and their products with the rows.
    ///
    /// - Parameters:
    ///   - shard: which of the drawn rows.
    ///   - tile: where the shard's tile is left, `[shard.count, n]`; empty to keep none.
    ///   - pool: gives memory that is written and let go of.
    @inline(never) @_lifetime(tile: copy tile)
    public func answer(
        _ shard: Range<Int>, _ rows: some DrawnRows, tile: inout MutableSpan<Float>,
        pool: BufferPool
    ) -> ShardAnswer {
        let n = sampleCount
        precondition(
            tile.isEmpty || tile.count == shard.count * n,
            "a tile of \(tile.count) floats for \(shard.count) rows and \(n) samples")
        var sums = NegativeSums(sampleCount: n)
        var result = Tensor(uninitialized: [n, dim], pool: pool)
        var products = result.mutableSpan
        var (w, panels, tiles) = blockMemory(pool)
        for block in RowShards.blocks(of: shard) {
            let isAdded = block.lowerBound > shard.lowerBound
            if tile.isEmpty {
                var own = tiles.mutableSpan
                var part = own._mutatingExtracting(0..<(block.count * n))
                exponentiate(block, rows, &w, into: &part, &sums)
                multiply(part.span, w, block.count, &panels, isAdded: isAdded, into: &products)
            } else {
                let start = (block.lowerBound - shard.lowerBound) * n
                var part = tile._mutatingExtracting(start..<(start + block.count * n))
                exponentiate(block, rows, &w, into: &part, &sums)
                multiply(part.span, w, block.count, &panels, isAdded: isAdded, into: &products)
            }
        }
        return ShardAnswer(sums: sums, products: result)
    }

    /// tile = E / |w| of a block, whose rows are left in `memory`.
    @_lifetime(tile: copy tile)
    private func exponentiate(
        _ block: Range<Int>, _ rows: some DrawnRows, _ memory: inout Tensor,
        into tile: inout MutableSpan<Float>, _ sums: inout NegativeSums
    ) {
        let dim = dim
        var all = memory.mutableSpan
        var w = all._mutatingExtracting(0..<(block.count * dim))
        rows.copy(block, into: &w)
        let inverseLengths = (0..<block.count).map {
            UnitRows.inverseLength(of: w.span.extracting(($0 * dim)..<(($0 + 1) * dim)))
        }
        PanelProduct.multiply(
            m: block.count, n: sampleCount, k: dim, a: w.span, panels: transposed.span, c: &tile)
        loss.exponentiate(&tile, columns: block, inverseLengths: inverseLengths, into: &sums)
    }

    /// products = tile^T W, or that added to them.
    @_lifetime(products: copy products)
    private func multiply(
        _ tile: Span<Float>, _ rows: Tensor, _ count: Int, _ memory: inout Tensor, isAdded: Bool,
        into products: inout MutableSpan<Float>
    ) {
        var all = memory.mutableSpan
        var panels = all._mutatingExtracting(
            0..<PanelProduct.floatCount(rows: count, columns: dim))
        let w = rows.span.extracting(0..<(count * dim))
        PanelProduct.pack(w, rows: count, columns: dim, into: &panels)
        PanelProduct.multiplyTransposed(
            m: sampleCount, n: dim, k: count, a: tile, panels: panels.span, isAdded: isAdded,
            c: &products)
    }

    /// Adds up the sums of all shards, in rising order, and closes the loss.
    public mutating func close(_ shards: [NegativeSums]) -> ClassificationValues {
        for shard in shards { loss.combine(shard) }
        let values = loss.finish()
        let (n, dim) = (sampleCount, dim)
        var rows = Tensor(uninitialized: [n, dim])
        var span = rows.mutableSpan
        for sample in 0..<n {
            let range = (sample * dim)..<((sample + 1) * dim)
            var row = span._mutatingExtracting(range)
            Vector.scale(z.unit.span.extracting(range), by: loss.factors[sample], into: &row)
        }
        var panels = Tensor(uninitialized: [PanelProduct.floatCount(rows: n, columns: dim)])
        var target = panels.mutableSpan
        PanelProduct.pack(span.span, rows: n, columns: dim, into: &target)
        scaled = panels
        return values
    }

    /// dL/dz^ of some samples `[samples.count, D]`; ``pullBack(_:)`` makes dL/dz of that of all.
    ///
    /// - Parameter products: those of all shards, in rising order.
    /// - Precondition: the loss is closed.
    @inline(never)
    public func unitGradient(
        of samples: Range<Int>, products: [Tensor], _ rows: some DrawnRows
    ) -> Tensor {
        let dim = dim
        var gradient = Tensor(zeros: [samples.count, dim])
        var span = gradient.mutableSpan
        let all = (samples.lowerBound * dim)..<(samples.upperBound * dim)
        for part in products { Vector.add(part.span.extracting(all), to: &span) }
        var row = Tensor(uninitialized: [dim])
        for sample in samples {
            let start = (sample - samples.lowerBound) * dim
            var g = span._mutatingExtracting(start..<(start + dim))
            Vector.scale(&g, by: loss.factors[sample])
            for term in loss.terms(of: sample) {
                var w = row.mutableSpan
                rows.copy(term.column..<(term.column + 1), into: &w)
                Vector.axpy(term.slope * term.inverseLength, w.span, into: &g)
            }
        }
        return gradient
    }

    /// Makes dL/dz of dL/dz^, `[n, D]`.
    public func pullBack(_ gradient: inout Tensor) { z.pullBack(&gradient) }

    /// Adds these samples' part to dL/dw of some rows, but for what points along each row: see
    /// `UnitRows.flatten`.
    ///
    /// - Parameters:
    ///   - block: which of the drawn rows.
    ///   - tile: what `answer` left, `[block.count, n]`; empty if it was not kept: then it is made
    ///     again from `rows`, with the same bits.
    ///   - isAdded: whether `gradient` holds a part already.
    ///   - gradient: `[block.count, D]`.
    /// - Precondition: the loss is closed.
    @inline(never) @_lifetime(gradient: copy gradient)
    public func rowGradient(
        _ block: Range<Int>, tile: Span<Float>, _ rows: some DrawnRows, isAdded: Bool,
        into gradient: inout MutableSpan<Float>, pool: BufferPool
    ) {
        let (n, dim) = (sampleCount, dim)
        if tile.isEmpty {
            var (w, _, tiles) = blockMemory(pool)
            var ignored = NegativeSums(sampleCount: n)
            for part in RowShards.blocks(of: block) {
                var own = tiles.mutableSpan
                var again = own._mutatingExtracting(0..<(part.count * n))
                exponentiate(part, rows, &w, into: &again, &ignored)
                let first = part.lowerBound - block.lowerBound
                var target = gradient._mutatingExtracting(
                    (first * dim)..<((first + part.count) * dim))
                PanelProduct.multiply(
                    m: part.count, n: dim, k: n, a: again.span, panels: scaled.span,
                    isAdded: isAdded, c: &target)
            }
        } else {
            PanelProduct.multiply(
                m: block.count, n: dim, k: n, a: tile, panels: scaled.span, isAdded: isAdded,
                c: &gradient)
        }
        for term in loss.terms(inColumns: block) {
            let place = term.column - block.lowerBound
            var g = gradient._mutatingExtracting((place * dim)..<((place + 1) * dim))
            let sample = (term.sample * dim)..<((term.sample + 1) * dim)
            Vector.axpy(
                term.slope * term.inverseLength, z.unit.span.extracting(sample), into: &g)
        }
    }

    /// Memory for a block: its rows, the same in panels, and its tile.
    private func blockMemory(_ pool: BufferPool) -> (w: Tensor, panels: Tensor, tile: Tensor) {
        let count = RowShards.blockRows
        let floats = PanelProduct.floatCount(rows: count, columns: dim)
        return (
            Tensor(uninitialized: [count * dim], pool: pool),
            Tensor(uninitialized: [floats], pool: pool),
            Tensor(uninitialized: [count * sampleCount], pool: pool)
        )
    }
}
