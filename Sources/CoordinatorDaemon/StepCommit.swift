import CoordinatorCore
import Datasets
import Identity
import Messages
import Methods
import Networks
import Optimizers
import Tables
import Tensors

extension StateEngine {
    /// Commits a step (design section 2, point 7): norm clip, optimizer, batch-norm buffers and
    /// tables, all in memory; then the ledger record.
    ///
    /// Only after this returns is the step announced.
    func commit(_ step: StepNumber, _ accounts: [SliceAccount]) throws {
        let total = takeTotal()
        let rate = run.schedule.rate(at: step.index)
        let gradientNorm = optimizer.step(
            &version.parameters, gradient: total.gradient, rate: rate,
            firstBeta: run.schedule.firstBeta(at: step.index))
        moveBuffers(total.statistics, slices: accounts.count)
        let figures = try method.commit(step: step.index, rate: Float(rate), result: total)
        let next = digest(of: version)
        let record = LedgerRecord(
            step: step.index, dataEpoch: run.sampler.dataEpoch(step: step.index),
            version: versionDigest.hex, gradient: total.digest.hex, next: next.hex,
            slices: accounts.map { account in
                let rows = run.sampler.rows(step: step.index, slice: account.leaf.slice.index)
                return LedgerRecord.Slice(
                    slice: account.leaf.slice.index, firstRow: rows.lowerBound,
                    endRow: rows.upperBound, attempts: account.attempts, worker: account.worker,
                    leaf: account.leaf.digest.hex)
            })
        try enter(record)
        versionDigest = next
        committed = step.index + 1
        let line = StepFigures(
            step: step.index, samples: run.sampler.batchCount(step: step.index), rate: rate,
            gradientNorm: gradientNorm, figures: total.sums + figures)
        try directory.append(line, secondsSinceStart: board.seconds)
        board.stepCommitted(line, tables: method.tables)
    }

    /// Batch-norm buffers move once a step, from the mean over its slices.
    private func moveBuffers(_ sum: Tensor, slices: Int) {
        guard sum.count > 0 else { return }
        version.buffers = movedBuffers(
            version.buffers, meanOfSlices: sum.scaled(by: 1 / Float(slices)))
    }

    /// Appends the record to the ledger; a step that is computed again after a restart is
    /// compared with its record instead.
    private func enter(_ record: LedgerRecord) throws {
        guard record.step < records.count else {
            try directory.append(record)
            records.append(record)
            return
        }
        if let difference = record.difference(from: records[record.step]) {
            throw DaemonError.differsFromLedger(step: record.step, difference: difference)
        }
    }
}
