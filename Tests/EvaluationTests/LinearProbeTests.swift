import Evaluation
import Tensors
import Testing

struct LinearProbeTests {
    private let bank = labelledPoints(count: 700, dim: 9, classes: 11, spread: 1.2, seed: 3)
    private let queries = labelledPoints(count: 300, dim: 9, classes: 11, spread: 1.2, seed: 4)

    private func problem(threads: Int = 1) -> SoftmaxRegression {
        SoftmaxRegression(
            samples: bank.features, labels: bank.labels, classCount: 11, weight: 0.316,
            threads: threads)
    }

    @Test func `the gradient is the slope of the objective`() {
        let problem = problem()
        let random = CounterRandom(seed: 5, stream: .test)
        let at = (0..<problem.parameterCount).map { 0.3 * Double(random.normal(at: $0)) }
        let gradient = problem(at).gradient
        for place in stride(from: 0, to: problem.parameterCount, by: 7) {
            var (up, down) = (at, at)
            up[place] += 1e-5
            down[place] -= 1e-5
            let slope = (problem(up).value - problem(down).value) / 2e-5
            #expect(abs(slope - gradient[place]) < 1e-5 * max(1, abs(slope)))
        }
    }

    @Test func `the objective at zero is C n log k`() {
        let problem = problem()
        let value = problem([Double](repeating: 0, count: problem.parameterCount)).value
        #expect(abs(value - 0.316 * 700 * 2.3978952727983707) < 1e-9)
    }

    @Test func `it converges to a point without slope and separates the classes`() {
        let probe = LinearProbe(
            samples: bank.features, labels: bank.labels, classCount: 11, weight: 0.316,
            threads: 2)
        #expect(probe.converged && probe.iterations < 200)
        let gradient = problem()(probe.weights + probe.bias).gradient
        #expect(gradient.allSatisfy { abs($0) < 1e-4 })
        #expect(abs(probe.bias.reduce(0, +)) < 1e-9)
        let logits = probe.logits(of: queries.features)
        #expect(topAccuracy(logits, classCount: 11, labels: queries.labels) > 0.5)
    }

    @Test(arguments: [2, 5])
    func `the number of threads does not change a bit`(_ threads: Int) {
        let random = CounterRandom(seed: 6, stream: .test)
        let at = (0..<problem().parameterCount).map { Double(random.normal(at: $0)) }
        let (one, many) = (problem()(at), problem(threads: threads)(at))
        #expect(one.value == many.value && one.gradient == many.gradient)
    }

    @Test func `large logits neither overflow nor lose the loss`() {
        let x = Tensor([1, -1], shape: [2, 1])
        let problem = SoftmaxRegression(
            samples: x, labels: [0, 1], classCount: 2, weight: 1, threads: 1)
        let (value, gradient) = problem([400, -400, 0, 0])
        #expect(abs(value - 160_000) < 1e-6)  // |W|^2 / 2 alone
        #expect(gradient == [400, -400, 0, 0])
        let wrong = problem([-400, 400, 0, 0])
        #expect(abs(wrong.value - 160_000 - 1600) < 1e-6)
    }

    @Test func `a standardised bank has mean 0 and deviation 1`() {
        let standardiser = FeatureStandardiser(of: bank.features)
        let again = FeatureStandardiser(of: standardiser.applied(to: bank.features))
        #expect(again.mean.allSatisfy { abs($0) < 1e-6 })
        #expect(again.deviation.allSatisfy { abs($0 - 1) < 1e-4 })
    }
}

struct LBFGSTests {
    @Test func `Rosenbrock's valley is followed to its end`() {
        let result = LBFGS(gradientTolerance: 1e-10).minimise(from: [-1.2, 1]) { x in
            let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
            return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
        }
        #expect(result.converged && result.iterations < 60)
        #expect(abs(result.x[0] - 1) < 1e-8 && abs(result.x[1] - 1) < 1e-8)
    }

    @Test func `a stretched bowl of 40 dimensions`() {
        let scales = (0..<40).map { Double(1 + $0 * $0) }
        let result = LBFGS().minimise(from: scales.map { _ in 3 }) { x in
            (
                zip(x, scales).reduce(0) { $0 + $1.0 * $1.0 * $1.1 / 2 },
                zip(x, scales).map { $0 * $1 }
            )
        }
        #expect(result.converged && result.x.allSatisfy { abs($0) < 1e-6 })
    }

    @Test func `it stops after the iterations it is given`() {
        let result = LBFGS(iterationsMax: 2).minimise(from: [-1.2, 1]) { x in
            let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
            return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
        }
        #expect(!result.converged && result.iterations == 2)
    }
}
