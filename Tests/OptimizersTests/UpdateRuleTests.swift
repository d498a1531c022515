import Optimizers
import Tensors
import Testing

private let rules: [UpdateRule] = [
    .adamW(AdamW(weightDecay: 0.05)), .sgd(SGDMomentum(momentum: 0.9, weightDecay: 5e-4)),
]

private func random(_ shape: Shape, _ stream: UInt64, deviation: Float = 1) -> Tensor {
    CounterRandom(seed: 1, stream: .test, a: stream).normalTensor(shape, deviation: deviation)
}

/// The update rules in double precision, straight from the sheet's formulas (section 2.5).
private struct DoubleReference {
    let rule: UpdateRule
    var w: [Double]
    var first: [Double]
    var second: [Double]

    init(_ rule: UpdateRule, _ start: Tensor) {
        self.rule = rule
        w = start.values.map(Double.init)
        first = w.map { _ in 0 }
        second = first
    }

    mutating func step(_ gradient: Tensor, rate: Double, update t: Int) {
        for (i, g) in gradient.values.map(Double.init).enumerated() {
            switch rule {
            case .sgd(let s):
                first[i] = s.momentum * first[i] + g + s.weightDecay * w[i]
                w[i] -= rate * first[i]
            case .adamW(let a):
                first[i] = a.beta1 * first[i] + (1 - a.beta1) * g
                second[i] = a.beta2 * second[i] + (1 - a.beta2) * g * g
                let (c1, c2) = (1 - power(a.beta1, t), 1 - power(a.beta2, t))
                let divisor = (second[i] / c2).squareRoot() + a.epsilon
                w[i] = w[i] * (1 - rate * a.weightDecay) - rate * (first[i] / c1) / divisor
            }
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }
}

@Suite struct UpdateRuleTests {
    @Test(arguments: rules)
    func `twenty updates follow the formulas`(rule: UpdateRule) {
        var w = random([7, 13], 1)
        var moments = (0..<rule.momentCount).map { _ in Tensor(zeros: w.shape) }
        var reference = DoubleReference(rule, w)
        for t in 1...20 {
            let gradient = random(w.shape, UInt64(10 + t), deviation: 0.1)
            let rate = 1e-2 / Double(t)
            rule.apply(
                to: &w, moments: &moments, gradient: gradient, rate: rate, update: t)
            reference.step(gradient, rate: rate, update: t)
        }
        for (x, y) in zip(w.values, reference.w) { #expect(abs(Double(x) - y) < 2e-6) }
    }

    @Test(arguments: rules)
    func `rows that are moved one by one where they lie get the bits of all at once`(
        rule: UpdateRule
    ) {
        var table = random([6, 21], 5)
        var alone = table
        let gradient = random([6, 21], 6)
        var moments = (0..<rule.momentCount).map { _ in Tensor(zeros: table.shape) }
        var aloneMoments = moments
        rule.apply(
            to: &alone, moments: &aloneMoments, gradient: gradient, rate: 0.1, update: 1)
        let update = ElementUpdate(rule, rate: 0.1, update: 1)
        var first = moments[0]
        var second = moments.count > 1 ? moments[1] : Tensor(zeros: [0])
        for row in [3, 0, 5, 1, 2, 4] {
            let range = (21 * row)..<(21 * row + 21)
            var p = table.mutableSpan
            var m = first.mutableSpan
            var v = second.mutableSpan
            var pRow = p._mutatingExtracting(range)
            var mRow = m._mutatingExtracting(range)
            var vRow = v._mutatingExtracting(v.isEmpty ? 0..<0 : range)
            update.move(
                &pRow, gradient: gradient.span.extracting(range), first: &mRow, second: &vRow)
        }
        moments = moments.count > 1 ? [first, second] : [first]
        #expect(table.isBitIdentical(to: alone))
        for (a, b) in zip(moments, aloneMoments) { #expect(a.isBitIdentical(to: b)) }
    }

    @Test func `a row first drawn late moves by about 3.2 rates a coordinate`() {
        // sheet, section 2.5: the bias correction counts the table's updates
        let rule = UpdateRule.adamW(AdamW())
        var row = Tensor(zeros: [1, 4])
        var moments = [row, row]
        rule.apply(
            to: &row, moments: &moments, gradient: Tensor(repeating: 0.3, shape: [1, 4]),
            rate: 1e-3, update: 10_000)
        for value in row.values { #expect(abs(value / -3.1622e-3 - 1) < 1e-3) }
    }
}

@Suite struct ParameterOptimizerTests {
    @Test func `weight decay leaves the named ranges alone`() {
        let rule = UpdateRule.sgd(SGDMomentum(momentum: 0, weightDecay: 1))
        var optimizer = ParameterOptimizer(rule, parameterCount: 10, undecayed: [2..<4, 7..<8])
        var parameters = Tensor(repeating: 1, shape: [10])
        optimizer.step(&parameters, gradient: Tensor(zeros: [10]), rate: 0.5)
        #expect(parameters.values == [0.5, 0.5, 1, 1, 0.5, 0.5, 0.5, 1, 0.5, 0.5])
    }

    @Test func `the gradient is clipped to the norm and the norm before it is returned`() {
        let rule = UpdateRule.sgd(SGDMomentum(momentum: 0))
        var optimizer = ParameterOptimizer(rule, parameterCount: 2, clipNorm: 2.5)
        var parameters = Tensor(zeros: [2])
        let norm = optimizer.step(
            &parameters, gradient: Tensor([3, 4], shape: [2]), rate: 1)
        #expect(norm == 5)
        for (x, y) in zip(parameters.values, [-1.5, -2]) { #expect(abs(Double(x) - y) < 1e-6) }
    }

    @Test func `whoever still reads the old version is not disturbed`() {
        var optimizer = ParameterOptimizer(.adamW(AdamW()), parameterCount: 100)
        let old = random([100], 1)
        var new = old
        optimizer.step(&new, gradient: random([100], 2), rate: 0.1)
        #expect(old.isBitIdentical(to: random([100], 1)) && !new.isBitIdentical(to: old))
    }

    @Test(arguments: rules)
    func `going on from a checkpoint gives the same bits`(rule: UpdateRule) {
        var optimizer = ParameterOptimizer(rule, parameterCount: 37, clipNorm: 1)
        var parameters = random([37], 1)
        for t in 0..<3 {
            optimizer.step(&parameters, gradient: random([37], UInt64(20 + t)), rate: 0.01)
        }
        var again = ParameterOptimizer(rule, parameterCount: 37, clipNorm: 1)
        var copy = parameters
        let fits = again.restore(moments: optimizer.moments, updates: optimizer.updates)
        #expect(fits)
        for t in 3..<6 {
            optimizer.step(&parameters, gradient: random([37], UInt64(20 + t)), rate: 0.01)
            again.step(&copy, gradient: random([37], UInt64(20 + t)), rate: 0.01)
        }
        #expect(parameters.isBitIdentical(to: copy) && again.updates == 6)
    }

    @Test func `a state of another size or rule is refused and changes nothing`() {
        var optimizer = ParameterOptimizer(.adamW(AdamW()), parameterCount: 4)
        let moment = Tensor(zeros: [4])
        let states: [([Tensor], Int)] = [
            ([moment], 1), ([moment, Tensor(zeros: [5])], 1), ([moment, moment], -1),
        ]
        for (moments, updates) in states {
            let fits = optimizer.restore(moments: moments, updates: updates)
            #expect(!fits)
        }
        #expect(optimizer.updates == 0)
    }
}

@Suite struct MovingAverageTests {
    @Test(arguments: [1, 5, 65_536, 65_537, 200_000])
    func `the norm is that of double precision`(count: Int) {
        let x = random([count], 4)
        let exact = x.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(globalNorm(x) / exact - 1) < 1e-6)
    }

    @Test func `averages follow from those before and the parameters, and leave both alone`() {
        let rule = ParameterAverages(momentum: 0.75)
        let (averages, parameters) = (
            Tensor([1, 2, 4], shape: [3]), Tensor([3, 2, 0], shape: [3])
        )
        #expect(rule.following(averages, parameters).values == [1.5, 2, 3])
        #expect(averages.values == [1, 2, 4] && parameters.values == [3, 2, 0])
        #expect(ParameterAverages(momentum: 1).following(averages, parameters).values == [1, 2, 4])
        #expect(ParameterAverages(momentum: 0).following(averages, parameters).values == [3, 2, 0])
    }

    @Test func `a teacher keeps its share`() {
        var teacher = Tensor([1, 2, 3], shape: [3])
        moveAverage(&teacher, toward: Tensor([3, 2, 1], shape: [3]), momentum: 0.75)
        #expect(teacher.values == [1.5, 2, 2.5])
    }

    @Test func `running buffers take a tenth of the new statistics`() {
        let old = Tensor([0, 1], shape: [2])
        let moved = movedBuffers(old, meanOfSlices: Tensor([1, 3], shape: [2]))
        for (x, y) in zip(moved.values, [0.1, 1.2]) { #expect(abs(Double(x) - y) < 1e-7) }
        #expect(old.values == [0, 1])
    }
}
