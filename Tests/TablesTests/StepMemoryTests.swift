import Buffers
import Objectives
import Optimizers
import Tensors
import Testing

@testable import Tables

/// What a step over drawn rows holds of memory.
@Suite struct StepMemoryTests {
    private static let (batch, dim, drawn) = (256, 8, 20_000)
    /// One number for each sample and drawn row.
    private static let batchByDrawn = 4 * batch * drawn

    private func table(stepBytes: Int) -> CenterTable {
        CenterTable(
            CenterTable.Settings(
                rowCount: 2 * Self.drawn, dim: Self.dim, rate: 0.5,
                rule: .sgd(SGDMomentum(weightDecay: 5e-4)), seed: 3, stepBytes: stepBytes))
    }

    private func advance(_ table: inout CenterTable, step: Int) {
        let random = CounterRandom(seed: 9, stream: .test, a: UInt64(step))
        let labels = (0..<Self.batch).map {
            [Int32(random.integer(at: $0, below: table.settings.rowCount))]
        }
        table.open(step: step, positives: RowDraw.positives(of: labels.joined()))
        _ = table.answer(
            group: 0, embeddings: random.normalTensor([Self.batch, Self.dim]), labels: labels,
            loss: ClassificationSettings(scale: 16), divisor: Self.batch)
        table.makeGradients()
        _ = table.commit(rate: 0.1)
    }

    /// Bytes that steps obtained in all: what they gave back lies in the pool.
    private func heldBytes(stepBytes: Int) -> Int {
        var table = table(stepBytes: stepBytes)
        for step in 0..<2 { advance(&table, step: step) }
        return table.pool.counts.freeBytes
    }

    @Test func `a step that keeps nothing holds no array of batch by drawn rows`() {
        #expect(heldBytes(stepBytes: 0) < Self.batchByDrawn / 16)
    }

    @Test(arguments: [1 << 20, 4 << 20, 16 << 20])
    func `what a step keeps for its commit stays within its bytes`(bytes: Int) {
        let (none, some) = (heldBytes(stepBytes: 0), heldBytes(stepBytes: bytes))
        // Blocks are an eighth larger at most; one more is at work.
        #expect(some > none && some - none < bytes * 9 / 8 + Self.batchByDrawn / 40)
    }

    @Test(arguments: [0, 64 << 20])
    func `steady steps get all their memory from the pool`(stepBytes: Int) {
        var table = table(stepBytes: stepBytes)
        for step in 0..<2 { advance(&table, step: step) }
        let allocations = table.pool.counts.allocations
        for step in 2..<5 { advance(&table, step: step) }
        #expect(table.pool.counts.allocations == allocations)
    }
}
