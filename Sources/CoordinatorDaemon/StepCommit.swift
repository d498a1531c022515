import CoordinatorCore
import Datasets
import Identity
import Messages
import Methods
import Networks
import Optimizers
import RunFiles
import Tensors
import Threads

extension StateEngine {
    /// Commits a step (design section 2, point 7): norm clip, optimizer, batch-norm buffers and
    /// averages, then the ledger record, and while that goes to the disk the tables.
    ///
    /// Only after this returns is the step announced: the record is on disk, and everything has
    /// moved in memory. Who dies in between computes the step again, to the same bits.
    func commit(_ step: StepNumber, _ accounts: [SliceAccount]) throws {
        let total = takeTotal()
        shelf.clear()
        guard total.isFinite else { return try passOver(step, accounts, total) }
        // Hashed beside the optimizer, which only reads the gradient.
        let gradientDigest = PendingValue { total.digest }
        let rate = run.schedule.rate(at: step.index)
        let gradientNorm = optimizer.step(
            &version.parameters, gradient: total.gradient, rate: rate,
            firstBeta: run.schedule.firstBeta(at: step.index), threads: Self.threads)
        moveBuffers(total.statistics, slices: accounts.count)
        moveAverages()
        let nextAverages = version.averagesDigest(threads: Self.threads)
        let next = version.digest(averages: nextAverages, threads: Self.threads)
        let pending = try enter(
            record(of: step, accounts, gradient: gradientDigest.wait(), next: next))
        let figures = try method.commit(step: step.index, rate: Float(rate), result: total)
        try pending?.wait()
        (versionDigest, averagesDigest) = (next, nextAverages)
        committed = step.index + 1
        try finish(
            step, rate: rate, gradientNorm: gradientNorm, figures: total.sums + figures)
    }

    /// A step whose sum is not finite, whoever computes it: by the run's rule the run fails, or
    /// nothing of the step is applied.
    ///
    /// The method forgets it when the next one opens.
    private func passOver(
        _ step: StepNumber, _ accounts: [SliceAccount], _ total: SliceResult
    ) throws {
        let slices = accounts.filter { !$0.leaf.isFinite }
            .map { "slice \($0.leaf.slice) by \($0.worker)" }.joined(separator: ", ")
        guard run.plan.settings.optimizer.onNotFinite == .skip else {
            throw DaemonError.notFinite(step: step.index, slices: slices)
        }
        let pending = try enter(
            record(of: step, accounts, gradient: total.digest, next: versionDigest))
        try pending?.wait()
        committed = step.index + 1
        directory.appendEvent(
            level: .warning,
            text: "step \(step) is skipped: its sum is not finite (\(slices))")
        try finish(step, rate: 0, gradientNorm: .nan, figures: total.sums)
    }

    /// The figures of a committed step, for metrics and `status`.
    private func finish(
        _ step: StepNumber, rate: Double, gradientNorm: Double, figures: [SliceResult.Sum]
    ) throws {
        let line = StepFigures(
            step: step.index, samples: run.sampler.batchCount(step: step.index), rate: rate,
            gradientNorm: gradientNorm, phases: board.takePhases(), figures: figures)
        try directory.append(line, secondsSinceStart: board.seconds)
        board.stepCommitted(line, tables: method.tables)
    }

    /// The step's record: of the samples as they were leased, and of who delivered them.
    private func record(
        of step: StepNumber, _ accounts: [SliceAccount], gradient: Digest, next: Digest
    ) -> LedgerRecord {
        var firstRows = [0]
        for task in tasks { firstRows.append(firstRows[task.slice.index] + task.samples.count) }
        return LedgerRecord(
            step: step.index, dataEpoch: run.sampler.dataEpoch(step: step.index),
            samples: sampleDigest(tasks.flatMap(\.samples)).hex,
            version: versionDigest.hex, gradient: gradient.hex, next: next.hex,
            slices: accounts.map { account in
                let slice = account.leaf.slice.index
                return LedgerRecord.Slice(
                    slice: slice, firstRow: firstRows[slice], endRow: firstRows[slice + 1],
                    attempts: account.attempts, worker: account.worker,
                    leaf: account.leaf.digest.hex)
            })
    }

    /// Batch-norm buffers move once a step, from the mean over its slices.
    private func moveBuffers(_ sum: Tensor, slices: Int) {
        guard sum.count > 0 else { return }
        version.buffers = movedBuffers(
            version.buffers, meanOfSlices: sum.scaled(by: 1 / Float(slices)))
    }

    /// Averages follow the parameters once these have moved.
    private func moveAverages() {
        guard let rule = run.plan.method.averages, let averages = version.averages else { return }
        version.averages = rule.following(averages, version.parameters)
    }

    /// Begins to append the record to the ledger; a step that is computed again after a restart is
    /// compared with its record instead.
    private func enter(_ record: LedgerRecord) throws -> PendingAppend? {
        guard let recorded = repeated.first else {
            return PendingAppend(record, to: directory)
        }
        if let difference = record.difference(from: recorded) {
            throw DaemonError.differsFromLedger(step: record.step, difference: difference)
        }
        repeated.removeFirst()
        return nil
    }
}

/// SHA-256 over the numbers of samples in batch order, 32-bit little-endian words.
private func sampleDigest(_ samples: [UInt32]) -> Digest {
    sha256(samples.flatMap { sample in (0..<4).map { UInt8(sample >> (8 * $0) & 255) } })
}
