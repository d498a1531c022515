internal import Kernels
public import Objectives
internal import Optimizers
public import Tensors
internal import Threads

extension CenterTable {
    /// Figures of a committed step.
    ///
    /// Where columns of labels have draws of their own, the first three are sums over columns.
    public struct Figures: Sendable, Equatable {
        /// |P|, the distinct positive classes of the batch.
        public var positiveCount: Int
        /// m, the rows wanted.
        public var wanted: Int
        /// Rows drawn.
        public var drawnCount: Int
        /// Rows that ever moved.
        public var touchedCount: Int
        /// Sums of cosines over the step's samples.
        public var cosines: CosineTotals
        /// The norm of the gradient by all rows before clipping; nil where nothing is clipped.
        public var gradientNorm: Double?
    }

    /// Makes the row gradients of a step whose groups all have their answers, while workers compute
    /// backward, so that `commit` has little left to do.
    ///
    /// They take the place of the exponentials, as far as the step's memory reaches; `commit` makes
    /// the others. No row moves: until it is committed a step may be opened again or passed over.
    /// Whether this was called decides no bit.
    ///
    /// - Precondition: a step is open.
    public mutating func makeGradients() {
        precondition(!steps.isEmpty, "row gradients without an open step")
        for column in steps.indices {
            var step = steps.remove(at: column)
            if step.gradientCount == 0, !step.tiles.isEmpty { makeGradients(of: &step) }
            steps.insert(step, at: column)
        }
    }

    private func makeGradients(of step: inout Step) {
        let shelf = TensorShelf(step.tiles)
        let count = step.tiles.count
        step.tiles = []
        let drawn = StoredRows(rows, numbers: step.draw.rows, features: step.features)
        _ = mapBlocks(count: count, threads: settings.threads) { [step, pool] shard in
            let tiles = shelf.take(shard)
            let range = step.shards.rows(of: shard)
            var gradient = Tensor(uninitialized: tiles.shape, pool: pool)
            var all = gradient.mutableSpan
            var part = all._mutatingExtracting(0..<(range.count * drawn.dim))
            step.rowGradient(
                range, of: shard, tiles: tiles, drawn, into: &part, pool: pool)
            shelf.put(gradient, at: shard)
        }
        step.tiles = shelf.clear()
        step.gradientCount = count
    }

    /// Moves rows where they lie: what is left of dL/dW, then the optimizer.
    ///
    /// The step is closed by this.
    ///
    /// - Parameters:
    ///   - rate: the learning rate of the table in this step.
    ///   - firstBeta: AdamW's first beta in this step, where the schedule moves it.
    /// - Precondition: a step is open and every group has been answered.
    public mutating func commit(rate: Double, firstBeta: Double? = nil) -> Figures {
        precondition(!steps.isEmpty, "a commit without an open step")
        var done = steps
        steps = []
        let isOneDraw = done.count == 1
        let moved =
            isOneDraw ? done[0].draw.rows : RowDraw.merged(done.map(\.draw.rows))
        let mover = beginUpdate(
            of: moved, features: done[0].features, rate: rate, firstBeta: firstBeta)
        var figures = Figures(
            positiveCount: 0, wanted: 0, drawnCount: 0, touchedCount: touched.count,
            cosines: CosineTotals())
        for step in done {
            figures.positiveCount += step.draw.positiveCount
            figures.wanted += step.draw.wanted
            figures.drawnCount += step.draw.rows.count
            for contribution in step.contributions { figures.cosines.add(contribution.cosines) }
        }
        if isOneDraw, settings.clipNorm == 0 {
            move(&done[0], mover)
        } else {
            let gradients = DrawnGradients(of: done, moved, in: rows, pool: pool)
            figures.gradientNorm = move(gradients, mover)
        }
        if settings.update == .dense { moveOthers(than: moved, mover) }
        return figures
    }

    /// Moves the rows of one draw, each block as soon as its gradient is made.
    private func move(_ step: inout Step, _ mover: RowMover) {
        let (shards, kept) = (step.shards, step.tiles.count)
        let shelf = TensorShelf(step.tiles)
        step.tiles = []
        let drawn = StoredRows(rows, numbers: step.draw.rows, features: step.features)
        let dim = drawn.dim
        _ = mapBlocks(count: shards.count, threads: settings.threads) { [step, pool] shard in
            var tiles = shard < kept ? shelf.take(shard) : nil
            let range = shards.rows(of: shard)
            if shard < step.gradientCount, var gradients = tiles.take() {
                var all = gradients.mutableSpan
                var part = all._mutatingExtracting(0..<(range.count * dim))
                mover.move(range, along: &part)
                return
            }
            var scratch = Tensor(uninitialized: [RowShards.blockRows * dim], pool: pool)
            for block in RowShards.blocks(of: range) {
                var all = scratch.mutableSpan
                var gradient = all._mutatingExtracting(0..<(block.count * dim))
                step.rowGradient(
                    block, of: shard, tiles: tiles, drawn, into: &gradient, pool: pool)
                mover.move(block, along: &gradient)
            }
        }
    }

    /// Moves the rows of several draws, or with a gradient that may be shortened as a whole.
    ///
    /// - Returns: the norm of the whole gradient; nil where nothing is clipped.
    private func move(_ gradients: DrawnGradients, _ mover: RowMover) -> Double? {
        let (shards, threads) = (gradients.shards, settings.threads)
        var (mover, norm) = (mover, Double?.none)
        if settings.clipNorm > 0 {
            // Squares of a block of rows in floats, over blocks and shards in doubles, in order.
            let squares = mapBlocks(count: shards.count, threads: threads) { [mover] shard in
                var sum = 0.0
                gradients.forEachBlock(of: shards.rows(of: shard)) { block, gradient in
                    mover.flatten(block, &gradient)
                    sum += Double(Vector.sumOfSquares(gradient.span))
                }
                return sum
            }
            let length = squares.reduce(0, +).squareRoot()
            // As torch's `clip_grad_norm_` does it.
            mover.factor = Float(min(1, settings.clipNorm / (length + 1e-6)))
            norm = length
        }
        _ = mapBlocks(count: shards.count, threads: threads) { [mover] shard in
            gradients.forEachBlock(of: shards.rows(of: shard)) { mover.move($0, along: &$1) }
        }
        return norm
    }

    /// Rows of a block when those that were not drawn move.
    private static let denseRows = 4096

    /// Moves all other rows, whose gradient is 0.
    private func moveOthers(than drawn: [Int32], _ mover: RowMover) {
        var isDrawn = [Bool](repeating: false, count: settings.rowCount)
        for row in drawn { isDrawn[Int(row)] = true }
        let zero = Tensor(zeros: [settings.dim])
        let (count, size) = (settings.rowCount, Self.denseRows)
        _ = mapBlocks(count: (count + size - 1) / size, threads: settings.threads) {
            [isDrawn] block in
            for row in (block * size)..<min(count, (block + 1) * size) where !isDrawn[row] {
                mover.move(Int32(row), Int32(row), gradient: zero.span)
            }
        }
    }

    /// Gradients by the rows drawn in the open step, `[M, D]`, as far as groups have been answered.
    ///
    /// With several draws their rows are those drawn in any of them.
    public func rowGradients() -> Tensor {
        precondition(!steps.isEmpty, "row gradients without an open step")
        let drawn = RowDraw.merged(steps.map(\.draw.rows))
        let gradients = DrawnGradients(of: steps, drawn, in: rows, pool: pool)
        let (width, features) = (gradients.dim, currentFeatures)
        var result = Tensor(uninitialized: [drawn.count, width])
        let all = StoredRows(rows, numbers: drawn, features: features)
        var row = Tensor(uninitialized: [width])
        gradients.forEachBlock(of: 0..<drawn.count) { block, gradient in
            for place in 0..<block.count {
                var w = row.mutableSpan
                let column = block.lowerBound + place
                all.copy(column..<(column + 1), into: &w)
                var g = gradient._mutatingExtracting((place * width)..<((place + 1) * width))
                UnitRows.flatten(&g, along: w.span)
            }
            var target = result.mutableSpan
            Blocks.copy(gradient.span, into: &target, at: block.lowerBound * width)
        }
        return features?.spread(result) ?? result
    }

    /// Moves rows by gradients that are given: for the update rule alone.
    ///
    /// - Parameter gradient: `[rows.count, D]`.
    public mutating func move(_ drawn: [Int32], gradient: Tensor, rate: Double) {
        precondition(
            gradient.shape == [drawn.count, settings.dim],
            "gradient \(gradient.shape) of \(drawn.count) rows")
        let mover = beginUpdate(of: drawn, features: nil, rate: rate, firstBeta: nil)
        for (place, row) in drawn.enumerated() {
            mover.move(row, mover.slots[place], gradient: gradient.rows(place..<(place + 1)).span)
        }
        if settings.update == .dense { moveOthers(than: drawn, mover) }
    }

    /// Counts an update, gives rows that are drawn for the first time a slot of zero moments, and
    /// copies chunks of which a checkpoint holds on to.
    private mutating func beginUpdate(
        of drawn: [Int32], features: FeatureSubset?, rate: Double, firstBeta: Double?
    ) -> RowMover {
        makeFirstRows()
        updates += 1
        for row in drawn where slots[Int(row)] < 0 {
            slots[Int(row)] = Int32(touched.count)
            touched.append(row)
        }
        // Of a dense table all rows move, each has the slot of its own number.
        let isDense = settings.update == .dense
        let moving = isDense ? touched : drawn
        let places = drawn.map { slots[Int($0)] }
        changes.note(moving)
        rows.separate(moving, threads: settings.threads)
        for index in moments.indices {
            moments[index].grow(to: touched.count)
            moments[index].separate(isDense ? touched : places, threads: settings.threads)
        }
        return RowMover(
            rows: drawn, slots: places, weights: rows.access, moments: moments.map(\.access),
            update: ElementUpdate(
                settings.rule.with(firstBeta: firstBeta), rate: rate, update: updates),
            features: features)
    }
}
