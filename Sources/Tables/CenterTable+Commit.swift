public import Objectives
internal import Optimizers
public import Tensors
internal import Kernels
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

    /// Moves the drawn rows: dL/dW from what the groups left, optimizer, scatter.
    ///
    /// The step is closed by this.
    ///
    /// - Parameter rate: the learning rate of the table in this step.
    /// - Precondition: a step is open and every group has been answered.
    public mutating func commit(rate: Double) -> Figures {
        guard let step else { preconditionFailure("a commit without an open step") }
        self.step = nil
        updates += 1
        let places = touch(step.draw.rows)
        let (settings, update) = (settings, updates)
        for first in stride(from: 0, to: step.blocks.count, by: Self.blocksMoving) {
            let wave = min(Self.blocksMoving, step.blocks.count - first)
            // Gathered here: a closure that held the table would make the scatter copy it.
            let gathered = (first..<(first + wave)).map { block in
                let columns = Self.columns(block, of: step.draw)
                return (
                    weights: rows.gathered(step.draw.rows[columns]),
                    state: moments.map { $0.gathered(places[columns]) }
                )
            }
            let moved = mapBlocks(count: wave, threads: settings.threads) { offset in
                var (weights, state) = gathered[offset]
                let gradient = step.rowGradient(first + offset, dim: settings.dim)
                settings.rule.apply(
                    to: &weights, moments: &state, gradient: gradient, rate: rate, update: update)
                return (weights, state)
            }
            scatter(moved, from: first, draw: step.draw, places: places)
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
        var result = Tensor(zeros: [0, settings.dim])
        for block in step.blocks.indices {
            result = result.concatenatedRows(
                with: step.rowGradient(block, dim: settings.dim))
        }
        return result
    }

    /// Moves rows by gradients that are given: for the update rule alone.
    ///
    /// - Parameter gradient: `[rows.count, D]`.
    public mutating func move(_ drawn: [Int32], gradient: Tensor, rate: Double) {
        updates += 1
        let places = touch(drawn)
        var weights = rows.gathered(drawn)
        var state = moments.map { $0.gathered(places) }
        settings.rule.apply(
            to: &weights, moments: &state, gradient: gradient, rate: rate, update: updates)
        rows.scatter(weights, to: drawn)
        for index in moments.indices { moments[index].scatter(state[index], to: places) }
    }

    /// Blocks whose new values are held at a time before they are scattered.
    private static let blocksMoving = 16

    private mutating func scatter(
        _ moved: [(Tensor, [Tensor])], from first: Int, draw: RowDraw, places: [Int32]
    ) {
        for (offset, (weights, state)) in moved.enumerated() {
            let columns = Self.columns(first + offset, of: draw)
            rows.scatter(weights, to: draw.rows[columns])
            for index in moments.indices {
                moments[index].scatter(state[index], to: places[columns])
            }
        }
    }

    /// Gives rows that are drawn for the first time a slot of zero moments; returns the slots.
    private mutating func touch(_ drawn: [Int32]) -> [Int32] {
        for row in drawn where slots[Int(row)] < 0 {
            slots[Int(row)] = Int32(touched.count)
            touched.append(row)
        }
        for index in moments.indices { moments[index].grow(to: touched.count) }
        return drawn.map { slots[Int($0)] }
    }
}

extension CenterTable.Step {
    /// dL/dW of a block: dL/dW^ = sum over groups of G^T z^, then back through the unit length.
    func rowGradient(_ block: Int, dim: Int) -> Tensor {
        let width = CenterTable.columns(block, of: draw).count
        var gradient = Tensor(zeros: [width, dim])
        var span = gradient.mutableSpan
        for (place, contribution) in contributions.enumerated() {
            let tile = contribution.gradients[block]
            sgemm(
                transA: .transposed, m: width, n: dim, k: contribution.unit.shape[0],
                a: tile.span, b: contribution.unit.span,
                beta: place == 0 ? 0 : 1, c: &span)
        }
        blocks[block].pullBack(&gradient)
        return gradient
    }
}
