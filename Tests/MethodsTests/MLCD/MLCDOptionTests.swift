import Datasets
import Networks
import Objectives
import Optimizers
import RunFiles
import Tables
import Tensors
import Testing

@testable import Methods

/// Options of the section `mlcd`, in whole steps.
extension MLCDStepTests {
    /// The options that reach the table, each in a run of its own.
    static let options = [
        "stored: 6", "loss: parallel\nstored: 6", "features: 7", "negatives: literal",
        "table:\n  update: dense", "table:\n  update: dense\n  optimizer: sgd",
        "table:\n  clipNorm: 0.1", "loss: parallel\nfeatures: 7\ntable:\n  clipNorm: 0.1",
    ]

    @Test(arguments: options)
    func `with an option, neither the order of groups nor what is made ahead decides a bit`(
        lines: String
    ) async throws {
        let groups = [0..<2, 2..<4, 4..<6, 6..<8]
        var one = try harness(lines)
        var two = try harness(lines)
        let a = try await one.train(
            steps: 0..<4, slices: 8, groups: groups, order: [0, 1, 2, 3], rate: Self.rate)
        let b = try await two.train(
            steps: 0..<4, slices: 8, groups: groups, order: [3, 1, 0, 2], rate: Self.rate,
            preparesCommit: true)
        #expect(a == b)
        #expect(one.isIdentical(to: two))
        var plain = try harness()
        _ = try await plain.train(
            steps: 0..<4, slices: 8, groups: groups, order: [0, 1, 2, 3], rate: Self.rate)
        // The usual way gives another model: another encoder, or other rows that were not drawn.
        let (mine, usual) = (one.coordinator.table.allRows, plain.coordinator.table.allRows)
        #expect(
            !one.version.parameters.isBitIdentical(to: plain.version.parameters)
                || !mine.isBitIdentical(to: usual))
    }

    @Test func `a clipped table reports the norm of its gradient`() async throws {
        let harness = try harness("table:\n  clipNorm: 0.1")
        let samples = [Array(0..<16)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1], order: [0])
        let norm = globalNorm(harness.coordinator.table.rowGradients())
        let figures = try harness.coordinator.commit(step: 0, rate: 0.001, result: computed.result)
        #expect(figures.last?.name == "gradientNorm.table")
        #expect(abs((figures.last?.value ?? 0) - norm) < 1e-5 * norm && norm > 0.1)
    }

    @Test func `parallel: the mean over columns is reported, the gradient is that of the sum`()
        async throws
    {
        let harness = try harness("loss: parallel\nfilter: 0")
        let samples = [Array(0..<16)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1], order: [0])
        let z = try #require(try await harness.input(of: harness.work(0, of: samples))["z"])
        var table = harness.coordinator.table
        let labels = Self.labels(harness.coordinator.settings)
        let answer = table.answer(
            group: 1, embeddings: z, labels: (0..<16).map { Array(labels.stored(of: $0)) },
            loss: harness.coordinator.settings.classification, divisor: 16)
        #expect(abs(computed.result.sums[0].value - answer.values.sum / 16 / 3) < 1e-5)
        #expect(computed.embeddingGradient == answer.gradient.values)
    }

    @Test func `AdamW's first beta moves with the schedule in the table, too`() async throws {
        let text = "centers: 40\ndim: 12\npositives: 3\nscale: 16\nrate: 1"
        let (method, settings) = try mlcdRun(text, network: Self.vit)
        func rows(_ schedule: LearningRateSchedule?) async throws -> Tensor {
            let coordinator = MLCDCoordinator(
                method.settings, dataset: Self.images, seed: 3, schedule: schedule)
            coordinator.use(Self.labels(method.settings))
            var harness = StepHarness(
                method, coordinator, images: Self.images, seed: 3,
                rule: .adamW(AdamW(weightDecay: settings.optimizer.weightDecay)))
            _ = try await harness.train(
                steps: 0..<3, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
            return coordinator.table.allRows
        }
        let fixed = try await rows(nil)
        let linear = LearningRateSchedule(.warmupLinear(warmup: 1), base: 1, total: 10)
        let cycle = LearningRateSchedule(.oneCycle(startFraction: 0.5), base: 1, total: 10)
        #expect(try await rows(linear).isBitIdentical(to: fixed))
        #expect(try await !rows(cycle).isBitIdentical(to: fixed))
    }
}
