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

private func run(_ test: Case, columnsPerBlock: Int = 1024) -> ClassificationGradients {
    let loss = ClassificationLoss(
        test.settings, positives: PositiveColumns(test.positives), columnCount: m, divisor: b,
        negatives: test.negatives)
    return classify(
        random([b, d], 1), against: random([m, d], 2, deviation: 0.02), loss: loss,
        columnsPerBlock: columnsPerBlock)
}

private func reference(_ test: Case) -> DoubleReference {
    DoubleReference(
        test.settings, random([b, d], 1), random([m, d], 2, deviation: 0.02), test.positives,
        negatives: test.negatives)
}

@Suite struct ClassificationLossTests {
    @Test(arguments: cases)
    private func `losses are those of the formulas in double precision`(test: Case) {
        for width in [5, 16, 1024] {
            let values = run(test, columnsPerBlock: width).values
            for (x, y) in zip(values.perSample, reference(test).perSample) {
                #expect(abs(Double(x) - y) < 2e-5 * max(1, abs(y)), "blocks of \(width)")
            }
        }
    }

    @Test(arguments: cases)
    private func `gradients are the slopes of the losses`(test: Case) {
        let result = run(test, columnsPerBlock: 7)
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
    private func `the width of blocks changes results by rounding only`(test: Case) {
        let whole = run(test)
        for width in [1, 8, 13, 40] {
            let blocks = run(test, columnsPerBlock: width)
            for (x, y) in zip(blocks.embeddings.values, whole.embeddings.values) {
                #expect(abs(x - y) < 1e-6)
            }
        }
    }

    @Test func `blocks computed in another order give the same bits`() {
        let loss = ClassificationLoss(
            cases[0].settings, positives: PositiveColumns(raggedPositives), columnCount: m,
            divisor: b)
        func sums(_ order: [Int]) -> [ClassificationPartial] {
            var partials: [Int: ClassificationPartial] = [:]
            for block in order {
                let columns = (block * 10)..<min(m, block * 10 + 10)
                var cosines = CounterRandom(seed: 8, stream: .test, a: UInt64(block))
                    .uniformTensor([b, columns.count], from: -1, to: 1)
                var span = cosines.mutableSpan
                partials[block] = loss.partial(of: &span, columns: columns)
            }
            return (0..<5).compactMap { partials[$0] }
        }
        func values(_ partials: [ClassificationPartial]) -> ClassificationValues {
            var loss = loss
            for partial in partials { loss.combine(partial) }
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
                settings, positives: PositiveColumns([[0]]), columnCount: 1, divisor: 1)
            var cosines = Tensor([0.5], shape: [1, 1])
            var span = cosines.mutableSpan
            let partial = loss.accumulate(&span, columns: 0..<1)
            _ = loss.finish()
            loss.gradient(of: &span, partial)
            return span[0]
        }
        let straight = slope(ClassificationSettings(scale: 2, angularMargin: 0.3))
        // sin(theta + m) / sin(theta) at theta = pi / 3, m = 0.3
        #expect(abs(slope(exact) / straight - 1.1259525) < 1e-5)
    }
}

/// What the formulas leave open, or floats could spoil.
@Suite struct ClassificationLossEdgeTests {
    @Test func `a sample without positives or negatives loses nothing on that side`() {
        for kind in [ClassificationSettings.Kind.mlcd, .mlc] {
            var loss = ClassificationLoss(
                .init(kind: kind, scale: 64), positives: PositiveColumns([[], [0, 1]]),
                columnCount: 2, divisor: 2)
            var cosines = Tensor([0.9, -0.4, 0.9, -0.4], shape: [2, 2])
            var span = cosines.mutableSpan
            let partial = loss.accumulate(&span, columns: 0..<2)
            let values = loss.finish()
            loss.gradient(of: &span, partial)
            let gradient = cosines
            #expect(values.positiveParts[0] == 0)
            #expect(gradient.values.allSatisfy { $0.isFinite })
            #expect(kind == .mlcd || gradient.values == [0, 0, 0, 0])
        }
    }

    @Test func `logits of 64 against 100,000 rows neither overflow nor lose the gradient`() {
        let columns = 100_000
        var loss = ClassificationLoss(
            .init(scale: 64), positives: PositiveColumns([[7]]), columnCount: columns,
            divisor: 1)
        var cosines = Tensor(repeating: 1, shape: [1, columns])
        var span = cosines.mutableSpan
        span[7] = -1
        let partial = loss.accumulate(&span, columns: 0..<columns)
        let values = loss.finish()
        loss.gradient(of: &span, partial)
        // 64 + ln(99,999), and -64 cos(pi + 0.3) = 61.14 for the positive
        #expect(abs(values.negativeParts[0] - 75.512917) < 1e-4)
        #expect(abs(values.positiveParts[0] - 61.141535) < 1e-3)
        #expect(abs(span[8] - 64 / 99_999) < 1e-8)
    }

    @Test func `a cosine beyond 1 counts as 1 and has no gradient`() {
        var loss = ClassificationLoss(
            .init(scale: 4, angularMargin: 0), positives: PositiveColumns([[0]]), columnCount: 4,
            divisor: 1)
        var cosines = Tensor([1.25, 1.5, -1.5, 0.5], shape: [1, 4])
        var span = cosines.mutableSpan
        let partial = loss.accumulate(&span, columns: 0..<4)
        let values = loss.finish()
        loss.gradient(of: &span, partial)
        #expect(span[0] == 0 && span[1] == 0 && span[2] == 0 && span[3] > 0)
        // ln(1 + e^4 + e^-4 + e^2)
        #expect(abs(values.negativeParts[0] - 4.1432224) < 1e-5)
        #expect(values.cosines.positiveMean == 1 && values.cosines.negativeCount == 3)
    }

    @Test func `margins stay sharp where an embedding lies on its center`() {
        // c = 1: cos(arccos(c) + m) = cos(m); a float's 1 - 6e-8 would be off by 1e-4
        let z = random([1, 24], 30)
        let w = z.scaled(by: 0.02)
        let loss = ClassificationLoss(
            .init(scale: 64), positives: PositiveColumns([[0]]), columnCount: 1, divisor: 1)
        let values = classify(z, against: w, loss: loss).values
        let opposed = classify(z, against: w.scaled(by: -1), loss: loss).values
        #expect(abs(opposed.positiveParts[0] - 61.141535) < 1e-4)
        #expect(values.positiveParts[0] < 1e-20 + 1e-6)
    }

    @Test func `positives are a set: repeats and padding change nothing`() {
        let plain = PositiveColumns([[3, 1], []])
        #expect(plain == PositiveColumns([1, 3, 3, -1, -1, -1], count: 2, width: 3))
        #expect(plain.columns == [1, 3] && plain.offsets == [0, 2, 2])
        #expect(plain.places(of: 0, in: 2..<9) == 1..<2)
        #expect(plain.places(of: 0, in: 4..<9).isEmpty)
    }
}

@Suite struct UnitRowsTests {
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
