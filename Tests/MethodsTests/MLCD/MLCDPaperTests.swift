import Objectives
import Optimizers
import Tables
import Tensors
import Testing

/// Claims and traps of the MLCD sheet that no reference value pins down, by its numbers.
@Suite struct MLCDPaperTests {
    private func table(rate: Double, rowCount: Int = 200, rule: UpdateRule) -> CenterTable {
        CenterTable(
            CenterTable.Settings(
                rowCount: rowCount, dim: 8, rate: rate, rule: rule, seed: 2))
    }

    private let sgd = UpdateRule.sgd(SGDMomentum(momentum: 0, weightDecay: 0))
    private let z = CounterRandom(seed: 8, stream: .test).normalTensor([3, 8])
    private let labels: [[Int32]] = [[3, 50, 51], [50, 70, 199], [0, 1, 2]]

    @Test func `2.3: a class that is positive for another sample is a negative of this one`() {
        var table = table(rate: 0.1, rule: sgd)
        table.open(step: 0, positives: RowDraw.positives(of: labels.joined()))
        let answer = table.answer(
            group: 0, embeddings: z, labels: labels, loss: ClassificationSettings(), divisor: 3)
        // Of 20 drawn rows each sample has its 3 positives and 17 negatives.
        #expect(answer.values.cosines.positiveCount == 9)
        #expect(answer.values.cosines.negativeCount == 3 * 17)
    }

    @Test func `trap 5: positives beyond m are kept, and no random negative joins them`() {
        var table = table(rate: 0.02, rule: sgd)
        table.open(step: 0, positives: RowDraw.positives(of: labels.joined()))
        #expect(table.currentDraw?.wanted == 4)
        #expect(table.currentDraw?.rows == [0, 1, 2, 3, 50, 51, 70, 199])
    }

    @Test func `trap 6: the draw does not depend on how often or by whom it is made`() {
        var one = table(rate: 0.1, rule: sgd)
        var two = table(rate: 0.1, rule: sgd)
        two.open(step: 7, positives: [4])
        two.open(step: 3, positives: [9])
        one.open(step: 4, positives: [5])
        two.open(step: 4, positives: [5])
        #expect(one.currentDraw == two.currentDraw)
    }

    @Test func `trap 10: rows are brought to unit length for the loss alone`() {
        var table = table(rate: 1, rule: sgd)
        let before = table.allRows
        table.open(step: 0, positives: [])
        _ = table.answer(
            group: 0, embeddings: z, labels: labels, loss: ClassificationSettings(), divisor: 3)
        #expect(table.allRows.isBitIdentical(to: before))
        _ = table.commit(rate: 0)
        #expect(table.allRows.isBitIdentical(to: before))
    }

    @Test func `2.4: a row's gradient is at right angles to it and shrinks with its length`() {
        var table = table(rate: 1, rule: sgd)
        table.open(step: 0, positives: [])
        _ = table.answer(
            group: 0, embeddings: z, labels: labels, loss: ClassificationSettings(scale: 16),
            divisor: 3)
        let (rows, gradients) = (table.allRows.values, table.rowGradients().values)
        for row in 0..<200 {
            let range = (8 * row)..<(8 * row + 8)
            let dot = zip(rows[range], gradients[range]).reduce(0) { $0 + $1.0 * $1.1 }
            let lengths = [rows, gradients].map { values in
                values[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
            }
            #expect(abs(dot) <= 1e-5 * lengths[0] * lengths[1])
        }
    }

    @Test func `2.5: a row that is first drawn late moves by about 3.2 rates a coordinate`() {
        var table = table(
            rate: 1, rule: .adamW(AdamW(beta1: 0.9, beta2: 0.999, weightDecay: 0)))
        let gradient = Tensor(repeating: 1, shape: [1, 8])
        for _ in 0..<999 { table.move([0], gradient: gradient, rate: 0) }
        let before = table.allRows.rows(5..<6).values
        table.move([5], gradient: gradient, rate: 0.001)
        let after = table.allRows.rows(5..<6).values
        // (1 - .9) / sqrt((1 - .999) / (1 - .999^1000)): 2.5 here, 3.2 once t is large.
        for (a, b) in zip(before, after) { #expect(abs((a - b) / 0.001 - 2.514) < 0.02) }
    }

    @Test func `trap 13: an update counts once, however often its step was opened`() {
        var one = table(rate: 0.5, rule: .adamW(AdamW()))
        var two = one
        for _ in 0..<3 { two.open(step: 0, positives: [1]) }
        one.open(step: 0, positives: [1])
        _ = one.commit(rate: 0.1)
        _ = two.commit(rate: 0.1)
        #expect(one.updates == 1 && two.updates == 1)
        #expect(one.allRows.isBitIdentical(to: two.allRows))
    }
}
