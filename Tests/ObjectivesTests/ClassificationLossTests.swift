import Kernels
import Objectives
import Tensors
import Testing

private let (b, m, d) = (9, 41, 12)

private func random(_ shape: Shape, _ stream: UInt64, deviation: Float = 1) -> Tensor {
    CounterRandom(seed: 4, stream: .test, a: stream).normalTensor(shape, deviation: deviation)
}

/// Positives of 0 to 4 columns a sample, one of them listed twice.
private let raggedPositives: [[Int]] = (0..<b).map { sample in
    Array(CounterRandom(seed: 6, stream: .test, a: UInt64(sample)).permutation(m)[0..<(sample % 5)])
        + (sample == 3 ? [-1, -1] : [])
}

private let singlePositives: [[Int]] = (0..<b).map { [(5 * $0 + 3) % m] }

private struct Case: CustomTestStringConvertible, Sendable {
    let settings: ClassificationSettings
    var positives: [[Int]] = raggedPositives
    var negatives: [Bool]?
    let testDescription: String
}

/// Margins whose derivative is exact, so that slopes of the values can be checked.
private let cases = [
    Case(
        settings: .init(scale: 6, angularMargin: 0.3, exactMarginDerivative: true),
        testDescription: "MLCD"),
    Case(
        settings: .init(kind: .mlc, scale: 6, angularMargin: 0.3, exactMarginDerivative: true),
        testDescription: "MLC"),
    Case(
        settings: .init(scale: 6, angularMargin: 0), negatives: (0..<m).map { $0 % 3 != 0 },
        testDescription: "MLCD with marked negatives"),
    Case(
        settings: .init(kind: .softmax, scale: 6, exactMarginDerivative: true),
        positives: singlePositives, testDescription: "ArcFace"),
    Case(
        settings: .init(kind: .softmax, scale: 6, additiveMargin: 0.4),
        positives: singlePositives, testDescription: "CosFace"),
    Case(
        settings: .init(kind: .softmax, scale: 6, angularMargin: 0, filter: 0.3),
        positives: singlePositives, testDescription: "softmax with a filter"),
]

private func run(
    _ test: Case, shardRows: Int? = nil, keepsTiles: Bool = true
) -> ClassificationGradients {
    classify(
        random([b, d], 1), against: random([m, d], 2, deviation: 0.02), test.settings,
        positives: PositiveColumns(test.positives), divisor: b, negatives: test.negatives,
        shardRows: shardRows, keepsTiles: keepsTiles)
}

private func reference(_ test: Case) -> DoubleReference {
    DoubleReference(
        test.settings, random([b, d], 1), random([m, d], 2, deviation: 0.02), test.positives,
        negatives: test.negatives)
}

@Suite struct ClassificationLossTests {
    @Test(arguments: cases)
    private func `losses are those of the formulas in double precision`(test: Case) {
        for rows in [5, 16, 1024] {
            let values = run(test, shardRows: rows).values
            for (x, y) in zip(values.perSample, reference(test).perSample) {
                #expect(abs(Double(x) - y) < 2e-5 * max(1, abs(y)), "shards of \(rows) rows")
            }
        }
    }

    @Test(arguments: cases)
    private func `gradients are the slopes of the losses`(test: Case) {
        let result = run(test, shardRows: 7)
        for direction in 0..<4 {
            let dz = random([b, d], UInt64(10 + direction))
            let dw = random([m, d], UInt64(20 + direction), deviation: 0.02)
            let along =
                dot(result.embeddings, dz) + dot(result.rows, dw)
            let slope = reference(test).slope(alongZ: dz, alongW: dw)
            #expect(abs(along - slope) < 1e-4 * max(0.1, abs(slope)))
        }
    }

    @Test(arguments: cases)
    private func `the rows of shards change results by rounding only`(test: Case) {
        let whole = run(test)
        for rows in [1, 8, 13, 40] {
            let shards = run(test, shardRows: rows)
            for (x, y) in zip(shards.embeddings.values, whole.embeddings.values) {
                #expect(abs(x - y) < 1e-6)
            }
        }
    }

    @Test(arguments: cases)
    private func `exponentials that are made again give the bits of those that were kept`(
        test: Case
    ) {
        let (kept, again) = (run(test, shardRows: 9), run(test, shardRows: 9, keepsTiles: false))
        #expect(kept.values == again.values)
        #expect(kept.embeddings.isBitIdentical(to: again.embeddings))
        #expect(kept.rows.isBitIdentical(to: again.rows))
    }

    @Test func `shards computed in another order give the same bits`() {
        let cosines = raggedPositives.flatMap { Set($0).filter { $0 >= 0 } }
            .map { PositiveCosine(Float($0) / 100) }
        let loss = ClassificationLoss(
            cases[0].settings, positives: PositiveColumns(raggedPositives), cosines: cosines,
            columnCount: m, divisor: b)
        func sums(_ order: [Int]) -> [NegativeSums] {
            var found: [Int: NegativeSums] = [:]
            for shard in order {
                let columns = (shard * 10)..<min(m, shard * 10 + 10)
                found[shard] =
                    exponentiated(
                        CounterRandom(seed: 8, stream: .test, a: UInt64(shard))
                            .uniformTensor([columns.count, b], from: -1, to: 1), columns, loss
                    ).sums
            }
            return (0..<5).compactMap { found[$0] }
        }
        func values(_ sums: [NegativeSums]) -> ClassificationValues {
            var loss = loss
            for shard in sums { loss.combine(shard) }
            return loss.finish()
        }
        #expect(values(sums([0, 1, 2, 3, 4])) == values(sums([3, 0, 4, 1, 2])))
    }

    @Test func `the straight-through margin has derivative one`() {
        // One positive of cosine 0.5: dL/dc = -gamma pi / B, whatever the margin does to pi.
        var exact = ClassificationSettings(scale: 2, angularMargin: 0.3)
        exact.exactMarginDerivative = true
        func slope(_ settings: ClassificationSettings) -> Float {
            var loss = ClassificationLoss(
                settings, positives: PositiveColumns([[0]]), cosines: [PositiveCosine(0.5)],
                columnCount: 1, divisor: 1)
            _ = loss.finish()
            return loss.terms[0].slope
        }
        let straight = slope(ClassificationSettings(scale: 2, angularMargin: 0.3))
        // sin(theta + m) / sin(theta) at theta = pi / 3, m = 0.3
        #expect(abs(slope(exact) / straight - 1.1259525) < 1e-5)
    }
}

/// Exponentials of cosines `[columns, B]` with rows of unit length, and their sums.
private func exponentiated(
    _ cosines: Tensor, _ columns: Range<Int>, _ loss: ClassificationLoss
) -> (tile: Tensor, sums: NegativeSums) {
    var (tile, sums) = (cosines, NegativeSums(sampleCount: loss.sampleCount))
    var span = tile.mutableSpan
    loss.exponentiate(
        &span, columns: columns, inverseLengths: Array(repeating: 1, count: columns.count),
        into: &sums)
    return (tile, sums)
}

/// Losses, and dL/dc of all cosines `[B, M]`, for cosines that are given.
private func closed(
    _ settings: ClassificationSettings, positives: [[Int]], cosines: Tensor, divisor: Int
) -> (values: ClassificationValues, gradient: [[Float]]) {
    let (samples, columns) = (cosines.shape[0], cosines.shape[1])
    let all = cosines.values
    let columnsOf = PositiveColumns(positives)
    var own: [PositiveCosine] = []
    for sample in 0..<samples {
        for place in columnsOf.offsets[sample]..<columnsOf.offsets[sample + 1] {
            own.append(PositiveCosine(all[sample * columns + columnsOf.columns[place]]))
        }
    }
    var loss = ClassificationLoss(
        settings, positives: columnsOf, cosines: own, columnCount: columns, divisor: divisor)
    let transposed = Tensor(
        (0..<(samples * columns)).map { all[$0 % samples * columns + $0 / samples] },
        shape: [columns, samples])
    let (tile, sums) = exponentiated(transposed, 0..<columns, loss)
    loss.combine(sums)
    let values = loss.finish()
    let exponentials = tile.values
    var gradient = (0..<samples).map { sample in
        (0..<columns).map { exponentials[$0 * samples + sample] * loss.factors[sample] }
    }
    for term in loss.terms { gradient[term.sample][term.column] += term.slope }
    return (values, gradient)
}

/// What the formulas leave open, or floats could spoil.
@Suite struct ClassificationLossEdgeTests {
    @Test func `a sample without positives or negatives loses nothing on that side`() {
        for kind in [ClassificationSettings.Kind.mlcd, .mlc] {
            let (values, gradient) = closed(
                .init(kind: kind, scale: 64), positives: [[], [0, 1]],
                cosines: Tensor([0.9, -0.4, 0.9, -0.4], shape: [2, 2]), divisor: 2)
            #expect(values.positiveParts[0] == 0)
            #expect(kind == .mlc || values.negativeParts[1] == 0)
            #expect(gradient.joined().allSatisfy { $0.isFinite })
            #expect(kind == .mlcd || gradient.joined().allSatisfy { $0 == 0 })
        }
    }

    @Test func `logits of 64 against 100,000 rows neither overflow nor lose the gradient`() {
        let columns = 100_000
        var cosines = [Float](repeating: 1, count: columns)
        cosines[7] = -1
        let (values, gradient) = closed(
            .init(scale: 64), positives: [[7]], cosines: Tensor(cosines, shape: [1, columns]),
            divisor: 1)
        // 64 + ln(99,999), and -64 cos(pi + 0.3) = 61.14 for the positive
        #expect(abs(values.negativeParts[0] - 75.512917) < 1e-4)
        #expect(abs(values.positiveParts[0] - 61.141535) < 1e-3)
        #expect(abs(gradient[0][8] - 64 / 99_999) < 1e-8)
    }

    @Test func `a cosine beyond 1 counts as 1 and has no gradient`() {
        let (values, gradient) = closed(
            .init(scale: 4, angularMargin: 0), positives: [[0]],
            cosines: Tensor([1.25, 1.5, -1.5, 0.5], shape: [1, 4]), divisor: 1)
        let g = gradient[0]
        #expect(g[0] == 0 && g[1] == 0 && g[2] == 0 && g[3] > 0)
        // ln(1 + e^4 + e^-4 + e^2)
        #expect(abs(values.negativeParts[0] - 4.1432224) < 1e-5)
        #expect(values.cosines.positiveMean == 1 && values.cosines.negativeCount == 3)
    }

    @Test func `few negatives far away keep the digits of their loss`() {
        // ln(1 + e^-30): with gamma 64 exponentials stand under e^4.
        let (values, _) = closed(
            .init(scale: 64), positives: [[]], cosines: Tensor([-30 / 64], shape: [1, 1]),
            divisor: 1)
        #expect(values.negativeParts[0] < 1e-12 + 9.4e-14)
        let (near, _) = closed(
            .init(scale: 64), positives: [[]], cosines: Tensor([-3 / 64], shape: [1, 1]),
            divisor: 1)
        #expect(abs(near.negativeParts[0] - 0.048587352) < 2e-7)
    }

    @Test func `margins stay sharp where an embedding lies on its center`() {
        // c = 1: cos(arccos(c) + m) = cos(m); a float's 1 - 6e-8 would be off by 1e-4
        let z = random([1, 24], 30)
        let w = z.scaled(by: 0.02)
        func values(_ w: Tensor) -> ClassificationValues {
            classify(
                z, against: w, ClassificationSettings(scale: 64),
                positives: PositiveColumns([[0]]), divisor: 1
            ).values
        }
        let (values, opposed) = (values(w), values(w.scaled(by: -1)))
        #expect(abs(opposed.positiveParts[0] - 61.141535) < 1e-4)
        #expect(values.positiveParts[0] < 1e-20 + 1e-6)
    }

    @Test func `positives are a set: repeats and padding change nothing`() {
        let plain = PositiveColumns([[3, 1], []])
        #expect(plain == PositiveColumns([1, 3, 3, -1, -1, -1], count: 2, width: 3))
        #expect(plain.columns == [1, 3] && plain.offsets == [0, 2, 2])
        let shared = PositiveColumns([[3, 1], [2, 1], []])
        #expect(shared.byColumn(in: 0..<9).map { shared.columns[$0] } == [1, 1, 2, 3])
        #expect(Array(shared.byColumn(in: 1..<2)) == [0, 2])
        #expect(shared.byColumn(in: 4..<9).isEmpty)
    }
}

@Suite struct UnitRowsTests {
    @Test func `a gradient with 1 over the length in it is pulled back by flattening it`() {
        let x = random([4, 33], 42, deviation: 0.1)
        let unit = UnitRows(x)
        var gradient = random([4, 33], 43)
        var flat = gradient
        unit.pullBack(&gradient)
        var span = flat.mutableSpan
        for row in 0..<4 {
            let range = (33 * row)..<(33 * row + 33)
            let w = x.span.extracting(range)
            var g = span._mutatingExtracting(range)
            Vector.scale(&g, by: UnitRows.inverseLength(of: w))
            UnitRows.flatten(&g, along: w)
        }
        for (a, b) in zip(flat.values, gradient.values) { #expect(abs(a - b) < 1e-5 * 10) }
    }

    @Test func `a row of zeros keeps its gradient and divides nothing by zero`() {
        let zero = Tensor(zeros: [7])
        #expect(UnitRows.inverseLength(of: zero.span) == 1e12)
        var gradient = random([7], 44)
        let before = gradient
        var span = gradient.mutableSpan
        UnitRows.flatten(&span, along: zero.span)
        #expect(gradient.isBitIdentical(to: before))
    }

    @Test func `rows get unit length and gradients lose what points along them`() {
        let x = random([5, 33], 40, deviation: 0.1)
        let unit = UnitRows(x)
        var gradient = random([5, 33], 41)
        unit.pullBack(&gradient)
        for row in 0..<5 {
            let (v, g) = (unit.unit.rows(row..<(row + 1)), gradient.rows(row..<(row + 1)))
            #expect(abs(dot(v, v) - 1) < 1e-6)
            #expect(abs(dot(v, g)) < 1e-4)
        }
    }
}

private func dot(_ x: Tensor, _ y: Tensor) -> Double {
    zip(x.values, y.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}
