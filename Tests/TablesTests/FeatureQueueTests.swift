import Objectives
import Storage
import Tables
import Tensors
import Testing

@Suite struct FeatureQueueTests {
    private func queue(_ rowCount: Int = 20, threads: Int = 1) -> FeatureQueue {
        FeatureQueue(
            FeatureQueue.Settings(rowCount: rowCount, dim: 6, seed: 4, threads: threads))
    }

    private func tensor(_ count: Int, _ seed: UInt64) -> Tensor {
        CounterRandom(seed: seed, stream: .test).normalTensor([count, 6])
    }

    private let loss = InstanceLoss(.contrastive, temperature: 0.1, epsilon: 0)

    /// A step of eight queries in groups of three and five.
    private func advance(_ queue: inout FeatureQueue, step: UInt64, order: [Int]) -> [Tensor] {
        let (z, keys) = (tensor(8, 2 * step), tensor(8, 2 * step + 1))
        queue.open()
        var answers = [Tensor](repeating: Tensor(0), count: 2)
        for group in order {
            let range = group == 0 ? 0..<3 : 3..<8
            answers[group] =
                queue.answer(
                    group: group, embeddings: z.rows(range), keys: keys.rows(range), loss: loss,
                    divisor: 8
                ).gradient
        }
        queue.commit()
        return answers
    }

    @Test func `neither the order of groups nor threads decide a bit`() {
        var one = queue()
        var two = queue(threads: 3)
        for step in UInt64(0)..<5 {
            let a = advance(&one, step: step, order: [0, 1])
            let b = advance(&two, step: step, order: [1, 0])
            #expect(zip(a, b).allSatisfy { $0.isBitIdentical(to: $1) })
        }
        #expect(one.allRows.isBitIdentical(to: two.allRows) && one.pointer == two.pointer)
    }

    @Test func `keys overwrite the oldest rows, round and round`() {
        var queue = queue()
        let start = queue.allRows
        var pointers: [Int] = []
        for step in UInt64(0)..<3 {
            _ = advance(&queue, step: step, order: [0, 1])
            pointers.append(queue.pointer)
        }
        #expect(pointers == [8, 16, 4])
        let (last, before) = (UnitRows(tensor(8, 5)).unit, UnitRows(tensor(8, 3)).unit)
        let rows = queue.allRows
        #expect(rows.rows(16..<20).isBitIdentical(to: last.rows(0..<4)))
        #expect(rows.rows(0..<4).isBitIdentical(to: last.rows(4..<8)))
        #expect(rows.rows(8..<16).isBitIdentical(to: before))
        #expect(!rows.rows(4..<8).isBitIdentical(to: start.rows(4..<8)))
    }

    @Test func `rows begin at unit length`() {
        let rows = queue(50).allRows.values
        for row in 0..<50 {
            let square = rows[(6 * row)..<(6 * row + 6)].reduce(0) { $0 + $1 * $1 }
            #expect(abs(square - 1) < 1e-6)
        }
    }

    @Test func `a queue that is restored goes on with the same bits`() throws {
        var one = queue()
        _ = advance(&one, step: 0, order: [0, 1])
        var two = queue()
        try two.restore(one.entries(prefix: "queue"), prefix: "queue")
        #expect(two.pointer == 8)
        _ = advance(&one, step: 1, order: [0, 1])
        _ = advance(&two, step: 1, order: [0, 1])
        #expect(one.allRows.isBitIdentical(to: two.allRows))
    }

    @Test func `stored state that does not fit is refused`() {
        var queue = queue()
        let rows = queue.entries(prefix: "queue")[0]
        #expect(throws: TableError.missing("queue.pointer")) {
            try queue.restore([rows], prefix: "queue")
        }
        for pointer in [-1, 20] as [Int64] {
            let entry = SafetensorsEntry("queue.pointer", .i64([pointer]))
            #expect(throws: TableError.badRow(array: "queue.pointer", row: pointer)) {
                try queue.restore([rows, entry], prefix: "queue")
            }
        }
    }
}
