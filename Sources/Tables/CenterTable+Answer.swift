internal import Kernels
public import Objectives
public import Tensors
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
    /// The group's exponentials are kept for the row gradients, as far as the step's memory
    /// reaches; the others are made again then, to the same bits.
    ///
    /// - Parameters:
    ///   - group: the group's number in the step; each group once.
    ///   - embeddings: z `[n, D]`, n >= 1.
    ///   - labels: the positive classes of each sample, all of them drawn.
    ///   - loss: the loss and its constants.
    ///   - divisor: samples of the whole step.
    ///   - negatives: which drawn rows may be negatives (Eq. 5 read to the letter); nil: all.
    /// - Precondition: a step is open, the group has not been answered in it, and row gradients
    ///   have not been made.
    public mutating func answer(
        group: Int, embeddings: Tensor, labels: [[Int32]], loss settings: ClassificationSettings,
        divisor: Int, negatives: [Bool]? = nil
    ) -> Answer {
        guard var step = step.take() else {
            preconditionFailure("an answer without an open step")
        }
        precondition(
            embeddings.shape == [labels.count, self.settings.dim],
            "embeddings \(embeddings.shape) of \(labels.count) samples")
        precondition(
            !step.contributions.contains { $0.group == group }, "group \(group) has its answer")
        precondition(step.gradientCount == 0, "group \(group) comes after row gradients")
        step.reserveTiles(
            samples: divisor, dim: self.settings.dim, bytes: self.settings.stepBytes, pool: pool)
        var answer = Answer(
            gradient: Tensor(zeros: [0, self.settings.dim]), values: ClassificationValues())
        // Large groups in parts of nearly one size.
        let partMax = ClassificationPass.sampleCountMax(dim: self.settings.dim)
        let parts = (labels.count + partMax - 1) / partMax
        for part in 0..<parts {
            let range = (part * labels.count / parts)..<((part + 1) * labels.count / parts)
            let columns = labels[range].map { $0.map { step.column(of: $0) } }
            let done = answerPart(
                of: &step, group: group, UnitRows(embeddings.rows(range)),
                PositiveColumns(columns), settings, divisor: divisor, negatives: negatives)
            answer.gradient = answer.gradient.concatenatedRows(with: done.gradient)
            answer.values.append(done.values)
        }
        self.step = step
        return answer
    }

    /// Samples of a block when positives are looked at and gradients are added up.
    private static let samplesPerBlock = 16

    private func answerPart(
        of step: inout Step, group: Int, _ z: UnitRows, _ positives: PositiveColumns,
        _ settings: ClassificationSettings, divisor: Int, negatives: [Bool]?
    ) -> Answer {
        let (threads, pool) = (self.settings.threads, pool)
        let drawn = StoredRows(rows, numbers: step.draw.rows)
        let sampleBlocks = stride(from: 0, to: positives.sampleCount, by: Self.samplesPerBlock)
            .map { $0..<min($0 + Self.samplesPerBlock, positives.sampleCount) }

        // The cosines of the positives, which are few.
        let cosines = mapBlocks(count: sampleBlocks.count, threads: threads) {
            ClassificationPass.positiveCosines(z, positives, of: sampleBlocks[$0], drawn)
        }
        let loss = ClassificationLoss(
            settings, positives: positives, cosines: cosines.flatMap(\.self),
            columnCount: step.draw.rows.count, divisor: divisor, negatives: negatives)
        var pass = ClassificationPass(z, loss: loss)

        // One pass over the drawn rows: exponentials, their sums, their products with the rows.
        let taken = step.takeTiles(samples: positives.sampleCount)
        let shards = step.shards
        let answers = mapBlocks(count: shards.count, threads: threads) { [pass] shard in
            let range = shards.rows(of: shard)
            guard let taken, shard < taken.count else {
                var none: [Float] = []
                var tile = none.mutableSpan
                return pass.answer(range, drawn, tile: &tile, pool: pool)
            }
            var tensor = taken.shelf.take(shard)
            var all = tensor.mutableSpan
            var tile = all._mutatingExtracting(taken.place(of: range, in: shards))
            let answer = pass.answer(range, drawn, tile: &tile, pool: pool)
            taken.shelf.put(tensor, at: shard)
            return answer
        }
        if let taken { step.tiles = taken.shelf.clear() }

        // Sums in the order of shards close the loss; with them dL/dz is what was multiplied.
        let values = pass.close(answers.map(\.sums))
        let products = answers.map(\.products)
        let gradients = mapBlocks(count: sampleBlocks.count, threads: threads) { [pass] block in
            pass.unitGradient(of: sampleBlocks[block], products: products, drawn)
        }
        var gradient = Tensor(zeros: [0, self.settings.dim])
        for part in gradients { gradient = gradient.concatenatedRows(with: part) }
        pass.pullBack(&gradient)
        step.keep(
            Contribution(
                group: group, pass: pass, tileStart: taken?.start, cosines: values.cosines))
        return Answer(gradient: gradient, values: values)
    }
}
