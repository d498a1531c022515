internal import Kernels
public import Objectives
public import Tensors
internal import Threads

extension CenterTable {
    /// What a group of samples gets for its embeddings.
    public struct Answer: Sendable {
        /// dL/dz `[n, D]`, z before it was brought to unit length.
        public var gradient: Tensor
        /// The samples' losses, summed over the step's draws.
        public var values: ClassificationValues
        /// The samples' losses of each draw, where there are several.
        public var columns: [ClassificationValues] = []

        /// Adds another loss of the same samples.
        fileprivate mutating func add(_ other: Answer) {
            gradient = gradient.adding(other.gradient)
            values.add(other.values)
            columns.append(other.values)
        }
    }

    /// Computes the loss of a group against the drawn rows, and its gradient by the embeddings.
    ///
    /// Where every column of labels has a draw of its own, each has a loss of its own, with one
    /// positive a sample, and the losses are added up.
    ///
    /// The group's exponentials are kept for the row gradients, as far as the step's memory
    /// reaches; the others are made again then, to the same bits.
    ///
    /// - Parameters:
    ///   - group: the group's number in the step; each group once.
    ///   - embeddings: z `[n, D]`, n >= 1.
    ///   - labels: the positive classes of each sample, all of them drawn; one a column where
    ///     columns have draws of their own.
    ///   - loss: the loss and its constants.
    ///   - divisor: samples of the whole step.
    ///   - negatives: which drawn rows may be negatives; nil: those that the draw says.
    /// - Precondition: a step is open, the group has not been answered in it, and row gradients
    ///   have not been made.
    public mutating func answer(
        group: Int, embeddings: Tensor, labels: [[Int32]], loss settings: ClassificationSettings,
        divisor: Int, negatives: [Bool]? = nil
    ) -> Answer {
        precondition(!steps.isEmpty, "an answer without an open step")
        precondition(
            embeddings.shape == [labels.count, self.settings.dim],
            "embeddings \(embeddings.shape) of \(labels.count) samples")
        let features = currentFeatures
        let z = features?.taken(from: embeddings) ?? embeddings
        guard steps.count > 1 else {
            var answer = answer(
                0, group: group, z, labels, settings, divisor: divisor, negatives: negatives)
            if let features { answer.gradient = features.spread(answer.gradient) }
            return answer
        }
        precondition(
            labels.allSatisfy { $0.count == steps.count },
            "not every sample has \(steps.count) labels, one a column")
        var sum: Answer?
        for column in steps.indices {
            let part = answer(
                column, group: group, z, labels.map { [$0[column]] }, settings, divisor: divisor,
                negatives: negatives)
            if sum == nil {
                sum = Answer(
                    gradient: part.gradient, values: part.values, columns: [part.values])
            } else {
                sum?.add(part)
            }
        }
        guard var answer = sum else { preconditionFailure("a step without draws") }
        if let features { answer.gradient = features.spread(answer.gradient) }
        return answer
    }

    /// The loss of a group by the labels of one draw.
    ///
    /// - Parameters:
    ///   - column: which of the step's draws.
    ///   - z: `[n, F]`, the coordinates that take part.
    private mutating func answer(
        _ column: Int, group: Int, _ z: Tensor, _ labels: [[Int32]],
        _ settings: ClassificationSettings, divisor: Int, negatives: [Bool]?
    ) -> Answer {
        let stepBytes = self.settings.stepBytes / steps.count
        // Taken out, so that its memory is nobody else's.
        var step = steps.remove(at: column)
        let dim = z.shape[1]
        precondition(
            !step.contributions.contains { $0.group == group }, "group \(group) has its answer")
        precondition(step.gradientCount == 0, "group \(group) comes after row gradients")
        step.reserveTiles(samples: divisor, dim: dim, bytes: stepBytes, pool: pool)
        var answer = Answer(gradient: Tensor(zeros: [0, dim]), values: ClassificationValues())
        // Large groups in parts of nearly one size.
        let partMax = ClassificationPass.sampleCountMax(dim: dim)
        let parts = (labels.count + partMax - 1) / partMax
        for part in 0..<parts {
            let range = (part * labels.count / parts)..<((part + 1) * labels.count / parts)
            let columns = labels[range].map { $0.map { step.column(of: $0) } }
            let done = answerPart(
                of: &step, group: group, UnitRows(z.rows(range)),
                PositiveColumns(columns), settings, divisor: divisor,
                negatives: negatives ?? step.draw.isNegative)
            answer.gradient = answer.gradient.concatenatedRows(with: done.gradient)
            answer.values.append(done.values)
        }
        steps.insert(step, at: column)
        return answer
    }

    /// Samples of a block when positives are looked at and gradients are added up.
    private static let samplesPerBlock = 16

    private func answerPart(
        of step: inout Step, group: Int, _ z: UnitRows, _ positives: PositiveColumns,
        _ settings: ClassificationSettings, divisor: Int, negatives: [Bool]?
    ) -> Answer {
        let (threads, pool) = (self.settings.threads, pool)
        let drawn = StoredRows(rows, numbers: step.draw.rows, features: step.features)
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
        var gradient = Tensor(zeros: [0, drawn.dim])
        for part in gradients { gradient = gradient.concatenatedRows(with: part) }
        pass.pullBack(&gradient)
        step.keep(
            Contribution(
                group: group, pass: pass, tileStart: taken?.start, cosines: values.cosines))
        return Answer(gradient: gradient, values: values)
    }
}
