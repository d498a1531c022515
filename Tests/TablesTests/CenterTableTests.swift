import Objectives
import Optimizers
import Storage
import Tables
import Tensors
import Testing

@Suite struct CenterTableTests {
    static let adamW = UpdateRule.adamW(AdamW(weightDecay: 0.05))
    static let sgd = UpdateRule.sgd(SGDMomentum(weightDecay: 5e-4))

    private func table(
        rowCount: Int = 3000, dim: Int = 24, rate: Double = 0.5, rule: UpdateRule = adamW,
        threads: Int = 1, stepBytes: Int = CenterTable.Settings.stepBytesDefault
    ) -> CenterTable {
        CenterTable(
            CenterTable.Settings(
                rowCount: rowCount, dim: dim, rate: rate, rule: rule, seed: 11, threads: threads,
                stepBytes: stepBytes))
    }

    private func embeddings(_ count: Int, _ dim: Int, step: Int) -> Tensor {
        CounterRandom(seed: 5, stream: .test, a: UInt64(step)).normalTensor([count, dim])
    }

    private func labels(_ count: Int, step: Int, below rowCount: Int = 3000) -> [[Int32]] {
        let random = CounterRandom(seed: 6, stream: .test, a: UInt64(step))
        return (0..<count).map { sample in
            RowDraw.positives(
                of: (0..<4).map { Int32(random.integer(at: 4 * sample + $0, below: rowCount)) })
        }
    }

    /// One step of 40 samples in four groups of ten, answered in the given order.
    ///
    /// - Parameter makesGradients: whether row gradients are made before the commit.
    private func advance(
        _ table: inout CenterTable, step: Int, order: [Int] = [0, 1, 2, 3],
        makesGradients: Bool = false
    ) -> [Tensor] {
        let labels = labels(40, step: step, below: table.settings.rowCount)
        let z = embeddings(40, table.settings.dim, step: step)
        table.open(step: step, positives: RowDraw.positives(of: labels.joined()))
        var answers = [Tensor](repeating: Tensor(0), count: 4)
        for group in order {
            let range = (10 * group)..<(10 * group + 10)
            answers[group] =
                table.answer(
                    group: group, embeddings: z.rows(range), labels: Array(labels[range]),
                    loss: ClassificationSettings(scale: 16), divisor: 40
                ).gradient
        }
        #expect(table.brokenInvariant() == nil)
        if makesGradients { table.makeGradients() }
        _ = table.commit(rate: 0.01)
        #expect(table.brokenInvariant() == nil)
        return answers
    }

    private func same(_ a: CenterTable, _ b: CenterTable) -> Bool {
        let moments = (0..<a.settings.rule.momentCount).allSatisfy {
            a.moment($0).isBitIdentical(to: b.moment($0))
        }
        return a.allRows.isBitIdentical(to: b.allRows) && moments
    }

    @Test(arguments: [adamW, sgd])
    func `neither the order of groups nor threads decide a bit`(rule: UpdateRule) {
        var one = table(rule: rule, threads: 1)
        var others = [2, 3].map { table(rule: rule, threads: $0) }
        for step in 0..<3 {
            let a = advance(&one, step: step)
            for index in others.indices {
                let b = advance(&others[index], step: step, order: [2, 0, 3, 1])
                #expect(zip(a, b).allSatisfy { $0.isBitIdentical(to: $1) })
            }
        }
        for other in others { #expect(same(one, other)) }
    }

    /// Rows of 40 floats for samples or gradients: 15,360 bytes a shard of 96 rows.
    @Test(arguments: [0, 15_359, 15_360, 100_000, 1 << 20])
    func `neither the memory of a step nor gradients made ahead decide a bit`(bytes: Int) {
        var one = table(rate: 0.9)
        var two = table(rate: 0.9, threads: 2, stepBytes: bytes)
        for step in 0..<2 {
            let a = advance(&one, step: step)
            let b = advance(&two, step: step, order: [1, 0, 2, 3], makesGradients: true)
            #expect(zip(a, b).allSatisfy { $0.isBitIdentical(to: $1) })
        }
        #expect(same(one, two))
    }

    @Test(arguments: [1.0, 0.3])
    func `a step's gradients are those of the same loss over the drawn rows at once`(
        rate: Double
    ) {
        // 300 samples are two parts, 20,000 rows two chunks and many shards.
        var table = table(rowCount: 20_000, dim: 16, rate: rate, threads: 2)
        let labels = labels(300, step: 4, below: 20_000)
        let z = embeddings(300, 16, step: 4)
        table.open(step: 4, positives: RowDraw.positives(of: labels.joined()))
        let settings = ClassificationSettings(scale: 16)
        let answer = table.answer(
            group: 0, embeddings: z, labels: labels, loss: settings, divisor: 300)
        let drawn = table.currentDraw?.rows ?? []
        let all = table.allRows
        let rows = all.rows(at: drawn.map { Int($0) })
        let places = PositiveColumns(
            labels.map { $0.map { table.currentDraw?.position(of: $0) ?? -1 } })
        let whole = classify(
            z, against: rows, settings, positives: places, divisor: 300,
            shardRows: drawn.count)
        #expect(close(answer.gradient, whole.embeddings))
        #expect(close(table.rowGradients(), whole.rows))
        #expect(abs(answer.values.sum - whole.values.sum) < 1e-5 * whole.values.sum)
        let cosines = answer.values.cosines
        #expect(cosines.negativeCount == 300 * drawn.count - cosines.positiveCount)
        // SGD without momentum moves each drawn row by its gradient.
        var moved = CenterTable(
            CenterTable.Settings(
                rowCount: 20_000, dim: 16, rate: rate,
                rule: .sgd(SGDMomentum(momentum: 0, weightDecay: 0)), seed: 11))
        moved.open(step: 4, positives: RowDraw.positives(of: labels.joined()))
        _ = moved.answer(group: 0, embeddings: z, labels: labels, loss: settings, divisor: 300)
        _ = moved.commit(rate: 1)
        let after = moved.allRows
        for (place, row) in drawn.enumerated() where place % 37 == 0 {
            for column in 0..<16 {
                let change =
                    all.span[Int(row) * 16 + column] - after.span[Int(row) * 16 + column]
                let gradient = whole.rows.span[place * 16 + column]
                #expect(abs(change - gradient) < 1e-5 * max(1, abs(gradient)))
            }
        }
    }

    /// Whether two tensors differ by rounding of sums alone: 1e-5 of the largest magnitude.
    private func close(_ a: Tensor, _ b: Tensor) -> Bool {
        let largest = b.values.reduce(0) { max($0, abs($1)) }
        return a.shape == b.shape
            && zip(a.values, b.values).allSatisfy { abs($0 - $1) < 1e-5 * largest }
    }

    @Test func `a copy of a table goes its own way`() {
        var one = table()
        _ = advance(&one, step: 0)
        let before = one.allRows
        var two = one
        _ = advance(&two, step: 1)
        #expect(one.allRows.isBitIdentical(to: before))
        _ = advance(&one, step: 1)
        #expect(same(one, two))
    }

    @Test func `moments grow where they are`() {
        // 40,000 rows of 8 floats fill chunks of 16,384 slots one after the other.
        var table = table(rowCount: 40_000, dim: 8, rate: 0.2)
        func momentAddresses(_ table: CenterTable) -> [ObjectIdentifier] {
            table.entries(prefix: "c").filter { $0.name.hasPrefix("c.exp_avg.") }.compactMap {
                guard case .f32(let tensor) = $0.value else { return nil }
                return ObjectIdentifier(tensor.buffer)
            }
        }
        var addresses: [ObjectIdentifier] = []
        for step in 0..<6 {
            _ = advance(&table, step: step)
            let now = momentAddresses(table)
            #expect(now.starts(with: addresses))
            addresses = now
        }
        #expect(table.touchedCount > 16_384 && addresses.count >= 2)
    }

    @Test func `rows that are not drawn keep weight and moments`() {
        var table = table(rate: 0.1)
        let before = table.allRows
        _ = advance(&table, step: 0, order: [0, 1, 2, 3])
        let after = table.allRows
        let moment = table.moment(0)
        var moved = 0
        for row in 0..<3000 {
            let range = row..<(row + 1)
            if after.rows(range).isBitIdentical(to: before.rows(range)) {
                #expect(moment.rows(range).values.allSatisfy { $0 == 0 })
            } else {
                moved += 1
            }
        }
        #expect(moved == 300 && table.touchedCount == 300)
    }

    @Test func `a draw made ahead is the draw of its step`() {
        var one = table()
        var two = table()
        let positives = RowDraw.positives(of: labels(40, step: 0).joined())
        one.drawAhead(step: 0, positives: positives)
        one.open(step: 0, positives: positives)
        two.open(step: 0, positives: positives)
        #expect(one.currentDraw == two.currentDraw)
        // One made for other positives is not used.
        one.drawAhead(step: 1, positives: [1])
        one.open(step: 1, positives: positives)
        two.open(step: 1, positives: positives)
        #expect(one.currentDraw == two.currentDraw)
    }

    @Test func `a step that is opened again gives the same`() {
        var one = table()
        var two = table()
        let labels = labels(40, step: 0)
        one.open(step: 0, positives: RowDraw.positives(of: labels.joined()))
        _ = one.answer(
            group: 0, embeddings: embeddings(40, 24, step: 9), labels: labels,
            loss: ClassificationSettings(), divisor: 40)
        _ = advance(&one, step: 0, order: [3, 2, 1, 0])
        _ = advance(&two, step: 0, order: [0, 1, 2, 3])
        #expect(same(one, two))
    }

    @Test(arguments: [adamW, sgd])
    func `a restored table goes on with the same bits`(rule: UpdateRule) throws {
        var one = table(rate: 0.1, rule: rule)
        for step in 0..<2 { _ = advance(&one, step: step, order: [0, 1, 2, 3]) }
        let entries = one.entries(prefix: "centers")
        var two = table(rate: 0.1, rule: rule)
        try two.restore(entries, prefix: "centers")
        #expect(two.brokenInvariant() == nil)
        for step in 2..<4 {
            _ = advance(&one, step: step, order: [0, 1, 2, 3])
            _ = advance(&two, step: step, order: [0, 1, 2, 3])
        }
        #expect(same(one, two))
    }

    @Test func `a checkpoint that is held while training goes on does not change`() {
        var table = table()
        let entries = table.entries(prefix: "centers")
        let before = table.allRows
        _ = advance(&table, step: 0, order: [0, 1, 2, 3])
        guard case .f32(let held) = entries[0].value else {
            Issue.record("rows are no floats")
            return
        }
        #expect(held.isBitIdentical(to: before))
    }

    @Test func `state that does not fit is refused by name and changes nothing`() throws {
        var source = table(rowCount: 50)
        _ = source.entries(prefix: "centers")
        var target = table(rowCount: 60)
        let before = target.allRows
        let entries = source.entries(prefix: "centers")
        #expect(throws: TableError.self) { try target.restore(entries, prefix: "centers") }
        for index in entries.indices {
            var damaged = entries
            damaged.remove(at: index)
            #expect(throws: TableError.missing(entries[index].name)) {
                try source.restore(damaged, prefix: "centers")
            }
        }
        var twice = entries
        for index in twice.indices where twice[index].name == "centers.touched" {
            twice[index].value = .i64([3, 3])
        }
        #expect(throws: TableError.badRow(array: "centers.touched", row: 3)) {
            try source.restore(twice, prefix: "centers")
        }
        #expect(target.allRows.isBitIdentical(to: before))
    }

    @Test(arguments: [1, 15, 16, 37, 128])
    func `first rows are the normal numbers of their own counters`(dim: Int) {
        let rows = table(rowCount: 20, dim: dim).allRows.values
        for row in 0..<20 {
            let random = CounterRandom(seed: 11, stream: .tableInitialisation, a: UInt64(row))
            for column in 0..<dim {
                #expect(rows[row * dim + column] == 0.01 * random.normal(at: column))
            }
        }
    }

    @Test func `first rows have mean 0 and deviation 0.01`() {
        let values = table().allRows.values.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        #expect(abs(mean) < 2e-4)
        #expect(abs(variance.squareRoot() - 0.01) < 1e-4)
    }
}
