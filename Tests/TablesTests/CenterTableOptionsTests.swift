import Objectives
import Optimizers
import Storage
import Tensors
import Testing

@testable import Tables

/// A way to draw and move rows that is not the usual one.
struct TableOption: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var update = CenterTable.Update.rows
    var negatives = CenterTable.Negatives.drawn
    var features: Int?
    var clipNorm = 0.0
    /// Labels of a sample, each with a draw of its own; nil: one draw for all.
    var columns: Int?
    var rule = UpdateRule.adamW(AdamW(weightDecay: 0.05))

    static let all = [
        TableOption(testDescription: "dense AdamW", update: .dense),
        TableOption(
            testDescription: "dense SGD", update: .dense,
            rule: .sgd(SGDMomentum(weightDecay: 5e-4))),
        TableOption(testDescription: "literal negatives", negatives: .literal),
        TableOption(testDescription: "feature sampling", features: 17),
        TableOption(testDescription: "clipped", clipNorm: 0.3),
        TableOption(testDescription: "columns", columns: 4),
        TableOption(
            testDescription: "dense clipped columns of sampled features", update: .dense,
            features: 17, clipNorm: 0.3, columns: 4),
    ]
}

/// A table under an option, and steps of it: 40 samples in four groups of ten.
struct OptionSteps {
    static let (rowCount, dim, samples) = (2500, 24, 40)

    var table: CenterTable
    let option: TableOption

    init(
        _ option: TableOption, rate: Double = 0.3, threads: Int = 1,
        stepBytes: Int = CenterTable.Settings.stepBytesDefault
    ) {
        var settings = CenterTable.Settings(
            rowCount: Self.rowCount, dim: Self.dim, rate: rate, rule: option.rule, seed: 11,
            threads: threads, stepBytes: stepBytes)
        settings.update = option.update
        settings.negatives = option.negatives
        settings.features = option.features
        settings.clipNorm = option.clipNorm
        table = CenterTable(settings)
        self.option = option
    }

    static func embeddings(step: Int) -> Tensor {
        CounterRandom(seed: 5, stream: .test, a: UInt64(step)).normalTensor([samples, dim])
    }

    /// Four labels of each sample, none twice.
    static func labels(step: Int) -> [[Int32]] {
        let random = CounterRandom(seed: 6, stream: .test, a: UInt64(step))
        return (0..<samples).map { sample in
            (0..<4).map {
                Int32(random.integer(at: 4 * sample + $0, below: rowCount / 4) * 4 + $0)
            }
        }
    }

    var loss: ClassificationSettings {
        ClassificationSettings(kind: option.columns == nil ? .mlcd : .softmax, scale: 16)
    }

    /// The distinct labels of a step, of each draw.
    func positives(step: Int) -> [[Int32]] {
        let labels = Self.labels(step: step)
        guard let columns = option.columns else {
            return [RowDraw.positives(of: labels.joined())]
        }
        return (0..<columns).map { column in RowDraw.positives(of: labels.map { $0[column] }) }
    }

    mutating func open(step: Int) { table.open(step: step, columns: positives(step: step)) }

    /// Answers all groups of an open step, in this order; answers come by group.
    mutating func answer(step: Int, order: [Int] = [0, 1, 2, 3]) -> [CenterTable.Answer] {
        let (labels, z) = (Self.labels(step: step), Self.embeddings(step: step))
        var answers: [CenterTable.Answer?] = [nil, nil, nil, nil]
        for group in order {
            let range = (10 * group)..<(10 * group + 10)
            answers[group] = table.answer(
                group: group, embeddings: z.rows(range), labels: Array(labels[range]), loss: loss,
                divisor: Self.samples)
        }
        return answers.compactMap(\.self)
    }

    /// A whole step.
    @discardableResult
    mutating func advance(
        step: Int, order: [Int] = [0, 1, 2, 3], makesGradients: Bool = false, rate: Double = 0.01
    ) -> (answers: [CenterTable.Answer], figures: CenterTable.Figures) {
        open(step: step)
        let answers = answer(step: step, order: order)
        #expect(table.brokenInvariant() == nil)
        if makesGradients { table.makeGradients() }
        let figures = table.commit(rate: rate)
        #expect(table.brokenInvariant() == nil)
        return (answers, figures)
    }

    func isIdentical(to other: OptionSteps) -> Bool {
        let moments = (0..<option.rule.momentCount).allSatisfy {
            table.moment($0).isBitIdentical(to: other.table.moment($0))
        }
        return moments && table.allRows.isBitIdentical(to: other.table.allRows)
    }
}

@Suite struct CenterTableOptionsTests {
    /// Tiles of 40 samples and gradients of 24 floats: 40 floats a row, 15,360 bytes a shard.
    @Test(arguments: TableOption.all, [0, 15_360, 70_000])
    func `neither threads, order, memory nor gradients made ahead decide a bit`(
        option: TableOption, bytes: Int
    ) {
        var one = OptionSteps(option)
        var two = OptionSteps(option, threads: 3, stepBytes: bytes)
        for step in 0..<3 {
            let (a, f) = one.advance(step: step)
            let (b, g) = two.advance(step: step, order: [2, 0, 3, 1], makesGradients: step > 0)
            #expect(f == g)
            for (x, y) in zip(a, b) {
                #expect(x.values == y.values && x.gradient.isBitIdentical(to: y.gradient))
            }
        }
        #expect(one.isIdentical(to: two))
    }

    @Test(arguments: TableOption.all)
    func `a restored table goes on with the same bits`(option: TableOption) throws {
        var one = OptionSteps(option)
        for step in 0..<2 { one.advance(step: step) }
        var two = OptionSteps(option)
        try two.table.restore(one.table.entries(prefix: "c"), prefix: "c")
        for step in 2..<4 {
            one.advance(step: step)
            two.advance(step: step)
        }
        #expect(one.isIdentical(to: two))
    }

    @Test(arguments: TableOption.all)
    func `a checkpoint that is held while training goes on does not change`(
        option: TableOption
    ) {
        var one = OptionSteps(option)
        one.advance(step: 0)
        let (held, rows) = (one.table.entries(prefix: "c"), one.table.allRows)
        one.advance(step: 1)
        guard case .f32(let chunk) = held[0].value else {
            Issue.record("rows are no floats")
            return
        }
        #expect(chunk.isBitIdentical(to: rows))
        #expect(!one.table.allRows.isBitIdentical(to: rows))
    }

    @Test(arguments: TableOption.all)
    func `a step that is opened again, or whose draw was made ahead, gives the same`(
        option: TableOption
    ) {
        var one = OptionSteps(option)
        var two = OptionSteps(option)
        one.open(step: 0)
        _ = one.answer(step: 0, order: [3, 1, 2, 0])
        one.advance(step: 0)
        two.table.drawAhead(step: 0, columns: two.positives(step: 0))
        two.advance(step: 0)
        #expect(one.isIdentical(to: two))
    }
}

/// Dense updates (MLCD sheet, section 2.5; trap 14).
@Suite struct DenseUpdateTests {
    private static let dense = Array(TableOption.all.filter { $0.update == .dense }.prefix(2))

    @Test(arguments: dense)
    func `a dense table moves as the whole matrix does by its rule`(option: TableOption) {
        var steps = OptionSteps(option, rate: 0.1, threads: 2)
        var rows = steps.table.allRows
        var moments = (0..<option.rule.momentCount).map { _ in Tensor(zeros: rows.shape) }
        for step in 0..<3 {
            steps.open(step: step)
            _ = steps.answer(step: step)
            let drawn = steps.table.currentDraw?.rows ?? []
            let gradients = steps.table.rowGradients().values
            var whole = [Float](repeating: 0, count: rows.count)
            for (place, row) in drawn.enumerated() {
                for column in 0..<OptionSteps.dim {
                    whole[Int(row) * OptionSteps.dim + column] =
                        gradients[place * OptionSteps.dim + column]
                }
            }
            option.rule.apply(
                to: &rows, moments: &moments, gradient: Tensor(whole, shape: rows.shape),
                rate: 0.01, update: step + 1)
            let figures = steps.table.commit(rate: 0.01)
            #expect(figures.drawnCount == 250 && figures.touchedCount == OptionSteps.rowCount)
            #expect(steps.table.allRows.values == rows.values)
            for index in moments.indices {
                #expect(steps.table.moment(index).values == moments[index].values)
            }
        }
    }

    @Test(arguments: dense)
    func `rows that are not drawn decay, in rows mode they do not`(option: TableOption) {
        var sparse = option
        sparse.update = .rows
        var (one, two) = (OptionSteps(option, rate: 0.1), OptionSteps(sparse, rate: 0.1))
        let before = one.table.allRows
        one.advance(step: 0)
        two.advance(step: 0)
        let (dense, rows) = (one.table.allRows, two.table.allRows)
        let drawn = Set(two.table.touched)
        for row in 0..<OptionSteps.rowCount {
            let range = row..<(row + 1)
            if drawn.contains(Int32(row)) {
                #expect(dense.rows(range).isBitIdentical(to: rows.rows(range)))
            } else {
                #expect(rows.rows(range).isBitIdentical(to: before.rows(range)))
                for (a, b) in zip(dense.rows(range).values, before.rows(range).values) {
                    #expect(abs(a) <= abs(b))
                }
                #expect(!dense.rows(range).isBitIdentical(to: before.rows(range)))
            }
        }
    }

    @Test func `a dense table does not go on from the state of one in rows mode`() {
        var sparse = Self.dense[0]
        sparse.update = .rows
        var one = OptionSteps(sparse, rate: 0.1)
        one.advance(step: 0)
        var two = OptionSteps(Self.dense[0])
        #expect(throws: TableError.self) {
            try two.table.restore(one.table.entries(prefix: "c"), prefix: "c")
        }
    }
}

/// Clipping of the gradient by the rows (MLCD sheet, section 2.5).
@Suite struct TableClipTests {
    @Test(arguments: [nil, 4])
    func `rows move along a gradient of at most the norm that is allowed`(columns: Int?) throws {
        var option = TableOption(
            testDescription: "", clipNorm: 0.05, columns: columns,
            rule: .sgd(SGDMomentum(momentum: 0, weightDecay: 0)))
        var clipped = OptionSteps(option)
        clipped.open(step: 0)
        _ = clipped.answer(step: 0)
        let gradients = clipped.table.rowGradients()
        let norm = globalNorm(gradients)
        let before = clipped.table.allRows
        let figures = clipped.table.commit(rate: 1)
        let found = try #require(figures.gradientNorm)
        #expect(norm > 0.05 && abs(found - norm) < 1e-5 * norm)
        let moved = before.adding(clipped.table.allRows.scaled(by: -1))
        #expect(abs(globalNorm(moved) - 0.05) < 1e-5)

        // A norm that is not reached changes no bit but of the way there.
        option.clipNorm = 1e6
        var wide = OptionSteps(option)
        option.clipNorm = 0
        var free = OptionSteps(option)
        #expect(wide.advance(step: 0).figures.gradientNorm != nil)
        #expect(free.advance(step: 0).figures.gradientNorm == nil)
        #expect(wide.table.allRows.values == free.table.allRows.values)
    }
}

/// Feature sampling (UNICOM; MLCD sheet, section 2.4; trap 15).
@Suite struct FeatureSamplingTests {
    private let option = TableOption(
        testDescription: "", features: 17, rule: .sgd(SGDMomentum(momentum: 0, weightDecay: 0)))

    @Test func `a step is one of the coordinates that take part alone`() throws {
        var steps = OptionSteps(option, rate: 1)
        steps.open(step: 3)
        let features = try #require(steps.table.currentFeatures)
        #expect(features.count == 17 && features.dim == OptionSteps.dim)
        let answers = steps.answer(step: 3)
        let z = features.taken(from: OptionSteps.embeddings(step: 3))
        let rows = features.taken(from: steps.table.allRows)
        let positives = PositiveColumns(
            OptionSteps.labels(step: 3).map { $0.map { Int($0) } })
        let whole = classify(
            z, against: rows, steps.loss, positives: positives, divisor: OptionSteps.samples)
        let gradient = answers.reduce(Tensor(zeros: [0, OptionSteps.dim])) {
            $0.concatenatedRows(with: $1.gradient)
        }
        #expect(close(gradient, features.spread(whole.embeddings)))
        #expect(close(steps.table.rowGradients(), features.spread(whole.rows)))
        // The others stand still where nothing but the gradient moves rows.
        let before = steps.table.allRows
        _ = steps.table.commit(rate: 1)
        let after = steps.table.allRows
        let rest = FeatureSubset(
            (0..<OptionSteps.dim).filter { !features.places.contains($0) }, of: OptionSteps.dim)
        #expect(rest.taken(from: after).isBitIdentical(to: rest.taken(from: before)))
        #expect(!after.isBitIdentical(to: before))
    }

    @Test func `each step has a subset of its own, whoever draws it`() {
        let subsets = (0..<20).map { FeatureSubset(count: 17, of: 24, seed: 11, step: $0) }
        #expect(Set(subsets).count == 20)
        #expect(subsets[7] == FeatureSubset(count: 17, of: 24, seed: 11, step: 7))
        // Each coordinate in about 17 of 24 steps.
        let uses = (0..<24).map { place in subsets.count { $0.places.contains(place) } }
        #expect(uses.allSatisfy { (6...20).contains($0) })
    }

    private func close(_ a: Tensor, _ b: Tensor) -> Bool {
        let largest = b.values.reduce(0) { max($0, abs($1)) }
        return a.shape == b.shape
            && zip(a.values, b.values).allSatisfy { abs($0 - $1) < 1e-5 * largest }
    }
}

/// Equation 5 read to the letter, and one draw a column of labels (MLCD sheet, sections 2.3, 2.4).
@Suite struct DrawOptionTests {
    @Test func `literal: positives of others are negatives only where they are drawn as such`() {
        var steps = OptionSteps(
            TableOption(testDescription: "", negatives: .literal), rate: 0.1)
        let (answers, figures) = steps.advance(step: 0)
        let positives = RowDraw.positives(of: OptionSteps.labels(step: 0).joined())
        #expect(figures.wanted == 250 && figures.positiveCount == positives.count)
        // Rows: 250 at random and those positives that are not among them.
        #expect(figures.drawnCount > 250 && figures.drawnCount < 250 + positives.count)
        // Negatives of a sample: the 250, less those of its own positives that are among them.
        var again = OptionSteps(
            TableOption(testDescription: "", negatives: .literal), rate: 0.1)
        again.open(step: 0)
        let draw = again.table.currentDraw
        let isNegative = draw?.isNegative ?? []
        #expect(isNegative.count { $0 } == 250)
        let own = OptionSteps.labels(step: 0).joined().count { label in
            draw?.position(of: label).map { isNegative[$0] } ?? false
        }
        let count = answers.reduce(0) { $0 + $1.values.cosines.negativeCount }
        #expect(count == 250 * OptionSteps.samples - own)
    }

    @Test func `columns: the sum of steps that have one label and one draw each`() throws {
        let option = TableOption(
            testDescription: "", columns: 4,
            rule: .sgd(SGDMomentum(momentum: 0, weightDecay: 0)))
        var together = OptionSteps(option, rate: 0.1)
        together.open(step: 0)
        let draws = together.table.currentDraws
        #expect(Set(draws.map(\.rows)).count == 4 && draws.allSatisfy { $0.rows.count == 250 })
        let answers = together.answer(step: 0)
        let before = together.table.allRows
        let figures = together.table.commit(rate: 1)
        #expect(figures.drawnCount == 1000 && figures.wanted == 1000)
        #expect(figures.touchedCount == Set(draws.flatMap(\.rows)).count)
        #expect(answers.allSatisfy { $0.columns.count == 4 })

        let (labels, z) = (OptionSteps.labels(step: 0), OptionSteps.embeddings(step: 0))
        var (sum, moved) = (Tensor(zeros: z.shape), Tensor(zeros: before.shape))
        for (column, draw) in draws.enumerated() {
            var alone = OptionSteps(option, rate: 0.1)
            alone.table.open(step: 0, draws: [draw])
            let answer = alone.table.answer(
                group: 0, embeddings: z, labels: labels.map { [$0[column]] }, loss: alone.loss,
                divisor: OptionSteps.samples)
            sum = sum.adding(answer.gradient)
            _ = alone.table.commit(rate: 1)
            moved = moved.adding(alone.table.allRows.adding(before.scaled(by: -1)))
            let parts = answers.reduce(0.0) { $0 + $1.columns[column].sum }
            #expect(abs(parts - answer.values.sum) < 1e-5 * parts)
        }
        let gradient = answers.reduce(Tensor(zeros: [0, OptionSteps.dim])) {
            $0.concatenatedRows(with: $1.gradient)
        }
        let all = together.table.allRows.adding(before.scaled(by: -1))
        for (a, b) in [(gradient, sum), (all, moved)] {
            let largest = b.values.reduce(0) { max($0, abs($1)) }
            #expect(zip(a.values, b.values).allSatisfy { abs($0 - $1) < 1e-5 * largest })
        }
    }
}
