import Objectives
import Tensors
import Testing

/// Losses and gradients of instance discrimination against formulas in double precision.
@Suite struct InstanceLossTests {
    private static let dim = 11
    private static let rowCount = 1100  // two blocks of rows and a part
    private static let anchors = 9

    private static let losses: [InstanceLoss] = [
        InstanceLoss(.contrastive, temperature: 0.07), InstanceLoss(.contrastive, temperature: 0.3),
        InstanceLoss(.contrastive, temperature: 1, epsilon: 0), InstanceLoss(.simple),
        InstanceLoss(.hard, temperature: 0.2, hardest: 40),
        InstanceLoss(.hard, temperature: 1, hardest: 5000),
        InstanceLoss(.hard, temperature: 0.2, hardest: 40, form: .formula),
        InstanceLoss(.hardSimple, hardest: 40), InstanceLoss(.extreme),
    ]

    private let rows = CounterRandom(seed: 1, stream: .test).normalTensor(
        [rowCount, dim], deviation: 0.3)
    private let z = CounterRandom(seed: 2, stream: .test).normalTensor([anchors, dim])
    /// The first anchors are near their rows, the others anywhere.
    private let own = [3, 1099, 512, 511, 0, 700, 20, 30, 40]

    private var embeddings: Tensor {
        var result = z
        let values = rows.values
        var span = result.mutableSpan
        for anchor in 0..<5 {
            for column in 0..<Self.dim {
                span[anchor * Self.dim + column] =
                    4 * values[own[anchor] * Self.dim + column]
                    + 0.1 * span[anchor * Self.dim + column]
            }
        }
        return result
    }

    /// Compares losses, and the gradient along a direction with the slope of the formula.
    private func check(
        _ answer: AnchorAnswer, _ z: Tensor, _ formula: ([[Double]]) -> [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let start = InstanceReference.matrix(z)
        let expected = formula(start)
        for (mine, value) in zip(answer.losses, expected) {
            #expect(
                abs(Double(mine) - value) < 2e-5 * max(1, abs(value)),
                sourceLocation: sourceLocation)
        }
        for seed in UInt64(10)..<14 {
            let direction = InstanceReference.matrix(
                CounterRandom(seed: seed, stream: .test).normalTensor(z.shape))
            func mean(_ t: Double) -> Double {
                let moved = zip(start, direction).map { zip($0, $1).map { $0 + t * $1 } }
                return formula(moved).reduce(0, +) / Double(start.count)
            }
            let slope = (mean(1e-6) - mean(-1e-6)) / 2e-6
            let gradient = InstanceReference.matrix(answer.gradient)
            let mine = zip(gradient, direction).reduce(0.0) {
                $0 + InstanceReference.dot($1.0, $1.1)
            }
            #expect(
                abs(mine - slope) < 1e-4 * max(0.05, abs(slope)), "\(mine), \(slope)",
                sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: losses) func `loss and gradient over all rows`(loss: InstanceLoss) {
        let reference = InstanceReference(
            rows: InstanceReference.matrix(rows), loss: InstanceReference.formula(loss))
        let answer = InstanceDiscrimination.answer(
            embeddings, .rows(own), against: MatrixRows(rows), loss, divisor: Self.anchors)
        check(answer, embeddings) { reference.losses($0, places: own) }
        // s_ii itself.
        let f = InstanceReference.matrix(answer.z.unit)
        for (anchor, row) in own.enumerated() {
            let s = InstanceReference.dot(f[anchor], InstanceReference.matrix(rows)[row])
            #expect(abs(Double(answer.positives[anchor]) - s) < 1e-5)
        }
    }

    @Test(arguments: losses) func `the gradient of an anchor adds up to 0`(loss: InstanceLoss) {
        var s = (0..<200).map { CounterRandom(seed: 3, stream: .test).uniform(at: $0) }
        var gradient = [Float](repeating: .nan, count: 200)
        var values = s.mutableSpan
        var slopes = gradient.mutableSpan
        _ = loss.differentiate(&values, own: 17, into: &slopes)
        #expect(abs(gradient.reduce(0, +)) < 1e-5)
        #expect(gradient[17] < 0 && gradient.enumerated().allSatisfy { $0 == 17 || $1 >= 0 })
    }

    @Test func `the hard losses push the nearest rows alone`() {
        let random = CounterRandom(seed: 3, stream: .test)
        let s = (0..<200).map { random.uniform(at: $0) }
        let least = s.sorted(by: >)[29]
        for loss in [
            InstanceLoss(.hard, temperature: 0.5, hardest: 30),
            InstanceLoss(.hardSimple, hardest: 30),
        ] {
            var (values, gradient) = (s, [Float](repeating: 0, count: 200))
            var x = values.mutableSpan
            var y = gradient.mutableSpan
            _ = loss.differentiate(&x, own: 5, into: &y)
            for place in s.indices where place != 5 {
                #expect((gradient[place] > 0) == (s[place] >= least))
            }
        }
    }

    @Test func `a positive that is the nearest has no loss and no gradient under extreme`() {
        var s: [Float] = [0.1, 0.9, 0.5]
        var gradient: [Float] = [1, 1, 1]
        var x = s.mutableSpan
        var y = gradient.mutableSpan
        #expect(InstanceLoss(.extreme).differentiate(&x, own: 1, into: &y) == 0)
        #expect(gradient == [0, 0, 0])
    }

    @Test func `a cold anchor far from its row keeps the code's epsilon`() {
        // p is e^(-2/.05), far below 1e-7: the loss is -log 1e-7, the gradient all but vanishes.
        var s: [Float] = [-1, 1, 1]
        var gradient: [Float] = [0, 0, 0]
        var x = s.mutableSpan
        var y = gradient.mutableSpan
        let loss = InstanceLoss(.contrastive, temperature: 0.05)
        #expect(abs(loss.differentiate(&x, own: 0, into: &y) - 16.118) < 1e-3)
        #expect(gradient[1] < 1e-8 / 0.05 && gradient[1] >= 0)
    }

    @Test func `rows may be keys of their own before a queue`() {
        let keys = UnitRows(CounterRandom(seed: 5, stream: .test).normalTensor(z.shape)).unit
        let loss = InstanceLoss(.contrastive, temperature: 0.2, epsilon: 0)
        let answer = InstanceDiscrimination.answer(
            z, .keys(keys), against: MatrixRows(rows), loss, divisor: Self.anchors)
        let reference = InstanceReference(
            rows: InstanceReference.matrix(rows), loss: InstanceReference.formula(loss))
        check(answer, z) {
            reference.losses(
                $0, places: Array(repeating: 0, count: Self.anchors),
                keys: InstanceReference.matrix(keys))
        }
    }

    /// Own row first; a row may be drawn twice, also the own one.
    private var draws: [[Int32]] {
        let random = CounterRandom(seed: 6, stream: .test)
        return own.enumerated().map { anchor, row in
            [Int32(row)]
                + (0..<60).map {
                    Int32(random.integer(at: 60 * anchor + $0, below: $0 % 2 == 0 ? 20 : 1100))
                }
        }
    }

    @Test func `noise-contrastive estimation over drawn rows`() {
        let f = UnitRows(embeddings).unit
        let s = DrawnDiscrimination.similarities(f, draws: draws, rows: MatrixRows(rows))
        let constant = NoiseContrastiveLoss.constant(
            of: s.span, temperature: 0.1, rowCount: Self.rowCount)
        let loss = NoiseContrastiveLoss(
            temperature: 0.1, constant: constant, rowCount: Self.rowCount)
        checkDrawn(loss, InstanceReference.formula(loss))
    }

    @Test func `the softmax over drawn rows`() {
        let loss = InstanceLoss(.contrastive, temperature: 0.1, epsilon: 0)
        checkDrawn(loss, InstanceReference.formula(loss))
    }

    /// Compares a loss over drawn rows with its formula.
    private func checkDrawn(
        _ loss: some SimilarityLoss, _ formula: @escaping ([Double], Int) -> Double
    ) {
        let answer = DrawnDiscrimination.answer(
            embeddings, draws: draws, against: MatrixRows(rows), loss, divisor: Self.anchors)
        let reference = InstanceReference(rows: InstanceReference.matrix(rows), loss: formula)
        check(answer, embeddings) {
            reference.losses(
                $0, places: Array(repeating: 0, count: Self.anchors), columns: draws)
        }
    }
}
