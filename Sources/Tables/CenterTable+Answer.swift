public import Objectives
public import Tensors
internal import Kernels
internal import Synchronization
internal import Threads

extension CenterTable {
    /// What a group of samples gets for its embeddings.
    public struct Answer: Sendable {
        /// dL/dz `[n, D]`, z before it was brought to unit length.
        public var gradient: Tensor
        /// The samples' losses.
        public var values: ClassificationValues
    }

    /// Computes the loss of a group against the drawn rows, and its gradient by the embeddings.
    ///
    /// The group's part in the row gradients is kept until `commit`: G `[n, M]`, once.
    ///
    /// - Parameters:
    ///   - group: the group's number in the step; each group once.
    ///   - embeddings: z `[n, D]`, n >= 1.
    ///   - labels: the positive classes of each sample, all of them drawn.
    ///   - loss: the loss and its constants.
    ///   - divisor: samples of the whole step.
    ///   - negatives: which drawn rows may be negatives (Eq. 5 read to the letter); nil: all.
    /// - Precondition: a step is open and the group has not been answered in it.
    public mutating func answer(
        group: Int, embeddings: Tensor, labels: [[Int32]], loss settings: ClassificationSettings,
        divisor: Int, negatives: [Bool]? = nil
    ) -> Answer {
        guard var step else { preconditionFailure("an answer without an open step") }
        precondition(
            embeddings.shape == [labels.count, self.settings.dim],
            "embeddings \(embeddings.shape) of \(labels.count) samples")
        precondition(
            !step.contributions.contains { $0.group == group }, "group \(group) has its answer")
        let positives = PositiveColumns(
            labels.map { $0.map { step.column(of: $0) } })
        var loss = ClassificationLoss(
            settings, positives: positives, columnCount: step.draw.rows.count, divisor: divisor,
            negatives: negatives)
        let z = UnitRows(embeddings)

        // Cosines by blocks, their exponentials in place, sums in the order of blocks.
        let (blocks, draw) = (step.blocks, step.draw)
        let threads = self.settings.threads
        let logits = mapBlocks(count: blocks.count, threads: threads) { [loss] block in
            Self.logits(z.unit, blocks[block].unit, loss, Self.columns(block, of: draw))
        }
        for (_, partial) in logits { loss.combine(partial) }
        let values = loss.finish()

        // G in place of the exponentials; dL/dz^ = G W^, summed in the order of blocks.
        let shelf = TileShelf(logits.map(\.tile))
        let partials = logits.map(\.partial)
        var gradient = Tensor(zeros: embeddings.shape)
        var gradients: [Tensor] = []
        for first in stride(from: 0, to: blocks.count, by: Self.blocksPerWave) {
            let wave = min(Self.blocksPerWave, blocks.count - first)
            let shares = mapBlocks(count: wave, threads: threads) { [loss] offset in
                let block = first + offset
                return Self.gradients(
                    shelf.take(block), partials[block], loss, blocks[block].unit)
            }
            var span = gradient.mutableSpan
            for share in shares {
                Vector.add(share.embeddings.span, to: &span)
                gradients.append(share.cosines)
            }
        }
        z.pullBack(&gradient)
        step.keep(
            Contribution(
                group: group, unit: z.unit, gradients: gradients, cosines: values.cosines))
        self.step = step
        return Answer(gradient: gradient, values: values)
    }

    /// Blocks whose shares of dL/dz are held at a time.
    private static let blocksPerWave = 64

    private static func logits(
        _ z: Tensor, _ rows: Tensor, _ loss: ClassificationLoss, _ columns: Range<Int>
    ) -> (tile: Tensor, partial: ClassificationPartial) {
        var tile = Tensor(uninitialized: [z.shape[0], columns.count])
        var span = tile.mutableSpan
        sgemm(
            transB: .transposed, m: z.shape[0], n: columns.count, k: z.shape[1], a: z.span,
            b: rows.span, c: &span)
        let partial = loss.partial(
            of: &span, columns: columns,
            operands: CosineOperands(embeddings: z, rows: rows))
        return (tile, partial)
    }

    private static func gradients(
        _ tile: consuming Tensor, _ partial: ClassificationPartial, _ loss: ClassificationLoss,
        _ rows: Tensor
    ) -> (cosines: Tensor, embeddings: Tensor) {
        var tile = tile
        var span = tile.mutableSpan
        loss.gradient(of: &span, partial)
        let (n, width, dim) = (tile.shape[0], tile.shape[1], rows.shape[1])
        var share = Tensor(uninitialized: [n, dim])
        var target = share.mutableSpan
        sgemm(m: n, n: dim, k: width, a: tile.span, b: rows.span, c: &target)
        return (tile, share)
    }
}

extension CenterTable.Step {
    /// The place of a class among the drawn rows.
    func column(of label: Int32) -> Int {
        guard let column = draw.position(of: label) else {
            preconditionFailure("class \(label) is positive but was not drawn in step \(number)")
        }
        return column
    }

    /// Files a contribution in group order.
    mutating func keep(_ contribution: CenterTable.Contribution) {
        let place = contributions.firstIndex { $0.group > contribution.group }
        contributions.insert(contribution, at: place ?? contributions.count)
    }
}

/// Tiles that are taken once each, so that whoever takes one may write to it without a copy.
private final class TileShelf: Sendable {
    private let tiles: Mutex<[Tensor?]>

    init(_ tiles: [Tensor]) { self.tiles = Mutex(tiles) }

    func take(_ index: Int) -> Tensor {
        guard let tile = tiles.withLock({ $0[index].take() }) else {
            preconditionFailure("tile \(index) was taken already")
        }
        return tile
    }
}
