import Evaluation
import Foundation
import Tensors
import Testing

/// The linear evaluation of instance discrimination against a plain loop in double precision.
@Suite struct LinearEvaluationTests {
    private typealias Points = RepresentationProtocol.LabelledFeatures

    /// Five hundred points, so that the last batch of an epoch has 244.
    private let points = labelledPoints(count: 500, dim: 7, classes: 5, spread: 0.6, seed: 3)
    private let queries = labelledPoints(count: 200, dim: 7, classes: 5, spread: 0.6, seed: 4)

    /// Samples whose mirror images lie close by.
    private var samples: LinearEvaluation.Samples {
        let noise = CounterRandom(seed: 8, stream: .test).normalTensor([500, 7], deviation: 0.1)
        let mirrored = zip(points.features.values, noise.values).map { $0 + $1 }
        return .init(
            plain: points.features, mirrored: Tensor(mirrored, shape: [500, 7]),
            labels: points.labels)
    }

    private func settings(
        epochs: Int, rate: Double = 0.5, seed: UInt64 = 6
    ) -> LinearEvaluation.Settings {
        var settings = LinearEvaluation.Settings(seed: seed)
        settings.epochs = epochs
        settings.rate = rate
        return settings
    }

    @Test func `the defaults are the protocol's, and the rate drops after epochs 40, 60 and 80`() {
        let settings = LinearEvaluation.Settings(seed: 1)
        #expect(settings.epochs == 100 && settings.batch == 256 && settings.momentum == 0.9)
        #expect(settings.deviation == 0.01)
        for (epoch, rate) in [
            (1, 30), (40, 30), (41, 6), (60, 6), (61, 1.2), (80, 1.2), (81, 0.24), (100, 0.24),
        ] as [(Int, Double)] {
            #expect(abs(settings.rate(epoch: epoch) - rate) < 1e-12, "epoch \(epoch)")
        }
    }

    @Test func `the sum of cross-entropies has the gradient that it says`() {
        let problem = SoftmaxRegression(
            samples: points.features, labels: points.labels, classCount: 5, weight: 3,
            blockRows: 64, threads: 2)
        let random = CounterRandom(seed: 5, stream: .test)
        let at = (0..<problem.parameterCount).map { 0.5 * Double(random.normal(at: $0)) }
        let (sum, gradient) = problem.crossEntropies(at)
        for place in at.indices {
            var (up, down) = (at, at)
            up[place] += 1e-5
            down[place] -= 1e-5
            let slope =
                (problem.crossEntropies(up).sum - problem.crossEntropies(down).sum) / 2e-5
            #expect(abs(slope - gradient[place]) < 1e-5 * max(1, abs(slope)))
        }
        // The objective is C times the sum, and the penalty.
        let penalty = at[..<35].reduce(0) { $0 + $1 * $1 / 2 }
        #expect(abs(problem(at).value - 3 * sum - penalty) < 1e-8)
    }

    /// SGD as torch has it, a sample at a time.
    private func reference(
        _ samples: LinearEvaluation.Samples, _ settings: LinearEvaluation.Settings
    ) -> (parameters: [Double], losses: [Double]) {
        let (n, d, k) = (samples.labels.count, 7, 5)
        func draws(_ purpose: UInt64, _ epoch: Int = 0) -> CounterRandom {
            CounterRandom(
                seed: settings.seed, stream: .linearEvaluation, a: purpose, b: UInt64(epoch))
        }
        var w = (0..<(k * d)).map { Double(0.01 * draws(0).normal(at: $0)) }
        w += [Double](repeating: 0, count: k)
        var velocity = [Double](repeating: 0, count: w.count)
        var losses: [Double] = []
        for epoch in 1...settings.epochs {
            let order = draws(1, epoch).permutation(n)
            var sum = 0.0
            for first in stride(from: 0, to: n, by: 256) {
                let batch = order[first..<min(n, first + 256)]
                var gradient = [Double](repeating: 0, count: w.count)
                for image in batch {
                    let isMirrored = draws(2, epoch).bits(at: image) % 2 == 1
                    let source = isMirrored ? samples.mirrored : samples.plain
                    let x = source.rows(image..<(image + 1)).values.map(Double.init)
                    let logits = (0..<k).map { c in
                        (0..<d).reduce(w[k * d + c]) { $0 + w[c * d + $1] * x[$1] }
                    }
                    let total = logits.reduce(0) { $0 + exp($1) }
                    sum += log(total) - logits[samples.labels[image]]
                    for c in 0..<k {
                        let isOwn = c == samples.labels[image]
                        let slope = (exp(logits[c]) / total - (isOwn ? 1 : 0)) / Double(batch.count)
                        for column in 0..<d { gradient[c * d + column] += slope * x[column] }
                        gradient[k * d + c] += slope
                    }
                }
                for place in w.indices {
                    velocity[place] = 0.9 * velocity[place] + gradient[place]
                    w[place] -= settings.rate(epoch: epoch) * velocity[place]
                }
            }
            losses.append(sum / Double(n))
        }
        return (w, losses)
    }

    @Test func `it is SGD with momentum over a drawn view of each image`() {
        var settings = settings(epochs: 4)
        settings.drops = [2, 3]
        let layer = LinearEvaluation(samples, classCount: 5, settings: settings, threads: 2)
        let expected = reference(samples, settings)
        #expect(layer.losses.count == 4)
        for (found, wanted) in zip(layer.losses, expected.losses) {
            #expect(abs(found - wanted) < 1e-9)
        }
        for (found, wanted) in zip(layer.parameters, expected.parameters) {
            #expect(abs(found - wanted) < 1e-9)
        }
        #expect(layer.losses[3] < layer.losses[0])
    }

    @Test func `threads decide no bit, the seed does`() {
        let settings = settings(epochs: 3)
        let one = LinearEvaluation(samples, classCount: 5, settings: settings, threads: 1)
        for threads in [2, 4] {
            let many = LinearEvaluation(
                samples, classCount: 5, settings: settings, threads: threads)
            #expect(many.parameters == one.parameters && many.losses == one.losses)
        }
        let other = LinearEvaluation(
            samples, classCount: 5, settings: self.settings(epochs: 3, seed: 7), threads: 1)
        #expect(other.parameters != one.parameters)
    }

    @Test func `classes that a line divides are told apart, by the protocol as it is`() {
        let classes = labelledPoints(count: 400, dim: 9, classes: 4, spread: 0.05, seed: 1)
        let held = labelledPoints(count: 300, dim: 9, classes: 4, spread: 0.05, seed: 2)
        var epochs: [Int] = []
        let layer = LinearEvaluation(
            .init(plain: classes.features, mirrored: classes.features, labels: classes.labels),
            classCount: 4, settings: .init(seed: 0), threads: 2
        ) { epoch, _ in epochs.append(epoch) }
        #expect(layer.accuracy(of: held.features, labels: held.labels) == 1)
        #expect(epochs == Array(1...100))
        #expect((layer.losses.last ?? 1) < 1e-3)
    }

    @Test func `half of the images come as their mirror images in an epoch`() {
        // What is not mirrored is 0, so that only biases learn from it: the first weights' moves
        // are those of mirror images.
        let zeros = Tensor(zeros: [500, 7])
        let all = LinearEvaluation(
            .init(plain: points.features, mirrored: points.features, labels: points.labels),
            classCount: 5, settings: settings(epochs: 40), threads: 1)
        let half = LinearEvaluation(
            .init(plain: zeros, mirrored: points.features, labels: points.labels), classCount: 5,
            settings: settings(epochs: 40), threads: 1)
        let chance = log(5.0)
        let (whole, part) = (all.losses[39], half.losses[39])
        // Half of the images stay at chance.
        #expect(abs(part - (whole + chance) / 2) < 0.15 * chance, "\(whole), \(part)")
        let accuracy = half.accuracy(of: queries.features, labels: queries.labels)
        #expect((accuracy ?? 0) > 0.6)
    }

    @Test(arguments: [Float.nan, .infinity])
    func `features that are no numbers end it without an accuracy`(_ wild: Float) {
        var values = points.features.values
        values[100] = wild
        let features = Tensor(values, shape: points.features.shape)
        let layer = LinearEvaluation(
            .init(plain: features, mirrored: features, labels: points.labels), classCount: 5,
            settings: settings(epochs: 5), threads: 2)
        #expect(!layer.isFinite && layer.losses.count == 1)
        #expect(layer.accuracy(of: queries.features, labels: queries.labels) == nil)
    }
}
