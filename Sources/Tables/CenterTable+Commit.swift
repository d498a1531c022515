internal import Kernels
public import Objectives
internal import Optimizers
public import Tensors
internal import Threads

extension CenterTable {
    /// Figures of a committed step.
    public struct Figures: Sendable, Equatable {
        /// |P|, the distinct positive classes of the batch.
        public var positiveCount: Int
        /// m, the rows wanted.
        public var wanted: Int
        /// Rows drawn.
        public var drawnCount: Int
        /// Rows ever drawn.
        public var touchedCount: Int
        /// Sums of cosines over the step's samples.
        public var cosines: CosineTotals
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
        guard var step = step.take() else {
            preconditionFailure("row gradients without an open step")
        }
        if step.gradientCount == 0, !step.tiles.isEmpty {
            let shelf = TensorShelf(step.tiles)
            let count = step.tiles.count
            step.tiles = []
            let drawn = StoredRows(rows, numbers: step.draw.rows)
            _ = mapBlocks(count: count, threads: settings.threads) { [step, settings, pool] shard in
                let tiles = shelf.take(shard)
                let range = step.shards.rows(of: shard)
                var gradient = Tensor(uninitialized: tiles.shape, pool: pool)
                var all = gradient.mutableSpan
                var part = all._mutatingExtracting(0..<(range.count * settings.dim))
                step.rowGradient(
                    range, of: shard, tiles: tiles, drawn, into: &part, pool: pool)
                shelf.put(gradient, at: shard)
            }
            step.tiles = shelf.clear()
            step.gradientCount = count
        }
        self.step = step
    }

    /// Moves the drawn rows where they lie: what is left of dL/dW, then the optimizer.
    ///
    /// The step is closed by this.
    ///
    /// - Parameter rate: the learning rate of the table in this step.
    /// - Precondition: a step is open and every group has been answered.
    public mutating func commit(rate: Double) -> Figures {
        guard var step = step.take() else { preconditionFailure("a commit without an open step") }
        let mover = beginUpdate(of: step.draw.rows, rate: rate)
        let (shards, kept, dim) = (step.shards, step.tiles.count, settings.dim)
        let shelf = TensorShelf(step.tiles)
        step.tiles = []
        let drawn = StoredRows(rows, numbers: step.draw.rows)
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
        var cosines = CosineTotals()
        for contribution in step.contributions { cosines.add(contribution.cosines) }
        return Figures(
            positiveCount: step.draw.positiveCount, wanted: step.draw.wanted,
            drawnCount: step.draw.rows.count, touchedCount: touched.count, cosines: cosines)
    }

    /// Gradients by the drawn rows `[M, D]` of the open step, as far as groups have been answered.
    public func rowGradients() -> Tensor {
        guard let step else { preconditionFailure("row gradients without an open step") }
        precondition(step.gradientCount == 0, "row gradients are made already")
        let (shards, dim) = (step.shards, settings.dim)
        let drawn = StoredRows(rows, numbers: step.draw.rows)
        var result = Tensor(uninitialized: [shards.rowCount, dim])
        var row = Tensor(uninitialized: [dim])
        for shard in 0..<shards.count {
            let range = shards.rows(of: shard)
            var all = result.mutableSpan
            var part = all._mutatingExtracting((range.lowerBound * dim)..<(range.upperBound * dim))
            step.rowGradient(
                range, of: shard, tiles: shard < step.tiles.count ? step.tiles[shard] : nil, drawn,
                into: &part, pool: pool)
            for place in 0..<range.count {
                var w = row.mutableSpan
                let column = range.lowerBound + place
                drawn.copy(column..<(column + 1), into: &w)
                var g = part._mutatingExtracting((place * dim)..<((place + 1) * dim))
                UnitRows.flatten(&g, along: w.span)
            }
        }
        return result
    }

    /// Moves rows by gradients that are given: for the update rule alone.
    ///
    /// - Parameter gradient: `[rows.count, D]`.
    public mutating func move(_ drawn: [Int32], gradient: Tensor, rate: Double) {
        precondition(
            gradient.shape == [drawn.count, settings.dim],
            "gradient \(gradient.shape) of \(drawn.count) rows")
        let mover = beginUpdate(of: drawn, rate: rate)
        for (place, row) in drawn.enumerated() {
            mover.move(row, mover.slots[place], gradient: gradient.rows(place..<(place + 1)).span)
        }
    }

    /// Counts an update, gives rows that are drawn for the first time a slot of zero moments, and
    /// copies chunks of which a checkpoint holds on to.
    private mutating func beginUpdate(of drawn: [Int32], rate: Double) -> RowMover {
        makeFirstRows()
        updates += 1
        for row in drawn where slots[Int(row)] < 0 {
            slots[Int(row)] = Int32(touched.count)
            touched.append(row)
        }
        changes.note(drawn)
        let places = drawn.map { slots[Int($0)] }
        rows.separate(drawn, threads: settings.threads)
        for index in moments.indices {
            moments[index].grow(to: touched.count)
            moments[index].separate(places, threads: settings.threads)
        }
        return RowMover(
            rows: drawn, slots: places, weights: rows.access, moments: moments.map(\.access),
            update: ElementUpdate(settings.rule, rate: rate, update: updates))
    }
}

/// Moves drawn rows and their moments where they lie.
private struct RowMover: Sendable {
    /// The drawn rows; none twice, so that threads may move parts of them at the same time.
    let rows: [Int32]
    /// The slots of their moments.
    let slots: [Int32]
    let weights: RowAccess
    let moments: [RowAccess]
    let update: ElementUpdate

    /// Moves some of the drawn rows along their gradients, from which that part is taken first
    /// that points along the row.
    @inline(never) @_lifetime(gradient: copy gradient)
    func move(_ places: Range<Int>, along gradient: inout MutableSpan<Float>) {
        let dim = weights.dim
        for place in places {
            let next = place + weights.rowsAhead
            if next < places.upperBound { prefetch(rows[next], slots[next]) }
            let start = (place - places.lowerBound) * dim
            var g = gradient._mutatingExtracting(start..<(start + dim))
            weights.read(rows[place]) { UnitRows.flatten(&g, along: $0) }
            move(rows[place], slots[place], gradient: g.span)
        }
    }

    @inline(__always)
    private func prefetch(_ row: Int32, _ slot: Int32) {
        weights.read(row) { Prefetch.write($0) }
        for moment in moments { moment.read(slot) { Prefetch.write($0) } }
    }

    /// Moves one row along its gradient.
    func move(_ row: Int32, _ slot: Int32, gradient: Span<Float>) {
        weights.withRow(row) { w in
            moments[0].withRow(slot) { first in
                guard moments.count > 1 else {
                    var none: [Float] = []
                    var second = none.mutableSpan
                    update.move(&w, gradient: gradient, first: &first, second: &second)
                    return
                }
                moments[1].withRow(slot) { second in
                    update.move(&w, gradient: gradient, first: &first, second: &second)
                }
            }
        }
    }
}
