import Buffers
import Clustering
import Datasets
import Identity
import Networks
import Optimizers
import RunFiles
import Tables
import Tensors
import Testing

@testable import Methods

/// Whole steps of MLCD through worker and coordinator parts (MLCD sheet, section 2.6).
@Suite struct MLCDStepTests {
    static let vit = "kind: vit\nwidth: 16\ndepth: 2\nheads: 2"
    static let conv = "kind: conv"
    /// The learning rate of training.
    static let rate = 0.003

    /// Sixty-four images whose class shows in their pixels.
    static let images = stripedImages()

    static func labels(_ settings: MLCDSettings) -> MLCDLabels {
        let lists = (0..<64).flatMap { image in
            (0..<settings.stored).map { Int32((image % 8 * 5 + $0 * 7) % settings.centers) }
        }
        let labels = ClusterLabels(
            perSample: settings.stored, clusterCount: settings.centers, labels: lists,
            similarities: Array(repeating: 0, count: lists.count))
        return MLCDLabels(labels: labels, origin: .zero)
    }

    func harness(
        _ lines: String = "", network: String = vit, seed: UInt64 = 3
    ) throws -> StepHarness {
        let text = "centers: 40\ndim: 12\npositives: 3\nscale: 16\nrate: 0.5\n" + lines
        let (method, run) = try mlcdRun(text, network: network)
        let coordinator = MLCDCoordinator(method.settings, dataset: Self.images, seed: seed)
        coordinator.use(Self.labels(method.settings))
        return StepHarness(
            method, coordinator, images: Self.images, seed: seed,
            rule: .adamW(AdamW(weightDecay: run.optimizer.weightDecay)))
    }

    @Test(arguments: [vit, conv])
    func `the order in which groups are answered decides no bit`(network: String) async throws {
        let groups = [0..<2, 2..<4, 4..<6, 6..<8]
        var one = try harness(network: network)
        var two = try harness(network: network)
        let a = try await one.train(
            steps: 0..<3, slices: 8, groups: groups, order: [0, 1, 2, 3], rate: Self.rate)
        let b = try await two.train(
            steps: 0..<3, slices: 8, groups: groups, order: [3, 1, 0, 2], rate: Self.rate)
        #expect(a == b)
        #expect(one.isIdentical(to: two))
    }

    @Test(arguments: [vit, conv])
    func `a slice that drops its activations gives the same bits`(network: String) async throws {
        var one = try harness(network: network)
        var two = try harness(network: network)
        two.keepsActivations = false
        let groups = [0..<2, 2..<4]
        _ = try await one.train(
            steps: 0..<2, slices: 4, groups: groups, order: [0, 1], rate: Self.rate)
        _ = try await two.train(
            steps: 0..<2, slices: 4, groups: groups, order: [0, 1], rate: Self.rate)
        #expect(one.isIdentical(to: two))
    }

    /// As when its worker is cut off, or told to abandon it.
    @Test(arguments: [vit, conv])
    func `a slice that is given up at its exchange leaves no memory behind`(
        network: String
    ) async throws {
        let harness = try harness(network: network)
        let worker = try #require(harness.worker as? EmbeddingWorker)
        let samples = [Array(0..<32)]
        try harness.coordinator.open(step: 0, samples: samples)
        _ = try await harness.compute(step: 0, samples: samples, groups: [0..<1], order: [0])
        let before = worker.pool.counts
        for _ in 0..<20 { _ = try await harness.input(of: harness.work(0, of: samples)) }
        #expect(worker.pool.counts.allocations == before.allocations)
        #expect(worker.pool.counts.freeBytes == before.freeBytes)
    }

    @Test(arguments: [1, 2, 8])
    func `a step has the same gradient up to rounding, however it is cut`(slices: Int) async throws
    {
        let whole = try harness()
        let cut = try harness()
        let (a, b) = try await MethodHarness.expectEqualGradients(whole, cut, slices: slices)
        let rows = whole.coordinator.table.rowGradients().values
        #expect(differ(rows, cut.coordinator.table.rowGradients().values) < 1e-5)
        for (x, y) in zip(a.result.sums, b.result.sums) {
            #expect(abs(x.value - y.value) < 1e-6 * abs(x.value), "\(x.name)")
        }
    }

    @Test(arguments: [
        "loss: mlcd", "loss: mlc", "loss: arcface\npositives: 1", "loss: cosface\npositives: 1",
        "table:\n  optimizer: sgd\n  learningRateFactor: 10", "stored: 5", "derivative: exact",
        "loss: parallel\nfilter: 0", "features: 9", "negatives: literal",
        "loss: arcface\npositives: 1\nfeatures: 9", "table:\n  update: dense\n  clipNorm: 5",
    ])
    func `training lowers the loss`(lines: String) async throws {
        let text = lines.contains("positives") ? lines : "positives: 3\n" + lines
        let (method, run) = try mlcdRun(
            "centers: 40\ndim: 12\nscale: 16\nrate: 0.5\n" + text, network: Self.vit)
        let coordinator = MLCDCoordinator(method.settings, dataset: Self.images, seed: 3)
        coordinator.use(Self.labels(method.settings))
        var harness = StepHarness(
            method, coordinator, images: Self.images, seed: 3,
            rule: .adamW(AdamW(weightDecay: run.optimizer.weightDecay)))
        let losses = try await harness.train(
            steps: 0..<40, slices: 2, groups: [0..<1, 1..<2], order: [0, 1], rate: Self.rate)
        let (first, last) = (losses[..<5].reduce(0, +), losses[35...].reduce(0, +))
        #expect(last < 0.8 * first, "\(lines): \(losses[0]) to \(losses[39])")
    }

    @Test(arguments: options)
    func `a coordinator that is restored goes on with the same bits`(lines: String) async throws {
        var one = try harness(lines)
        try await one.expectGoesOn(as: harness(lines), rate: Self.rate)
    }

    @Test func `what is made ahead changes no bit`() async throws {
        var one = try harness()
        var two = try harness()
        for step in 0..<3 {
            let all = (0..<32).map { (step * 32 + $0 * 5) % 64 }
            two.coordinator.foresee(step: step, samples: [all])
            let steps = step..<(step + 1)
            _ = try await one.train(
                steps: steps, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
            _ = try await two.train(
                steps: steps, slices: 1, groups: [0..<1], order: [0], rate: Self.rate,
                preparesCommit: true)
        }
        #expect(one.isIdentical(to: two))
    }

    @Test func `a step that is opened again forgets what was made ahead`() async throws {
        var one = try harness()
        var two = try harness()
        let samples = [(0..<32).map { $0 * 5 % 64 }]
        try two.coordinator.open(step: 0, samples: samples)
        _ = try await two.compute(step: 0, samples: samples, groups: [0..<1], order: [0])
        two.coordinator.prepareCommit(step: 0)
        _ = try await one.train(
            steps: 0..<1, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        _ = try await two.train(
            steps: 0..<1, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        #expect(one.isIdentical(to: two))
    }

    @Test func `a commit reports the draw and mean cosines`() async throws {
        let harness = try harness()
        let samples = [Array(0..<16)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1], order: [0])
        let figures = try harness.coordinator.commit(step: 0, rate: 0.001, result: computed.result)
        #expect(
            figures.map(\.name) == [
                "positives", "wanted", "drawn", "touched", "cosine.positive", "cosine.negative",
            ])
        #expect(figures[1].value == 20 && figures[2].value == max(20, figures[0].value))
        #expect(figures.dropFirst(4).allSatisfy { abs($0.value) <= 1 })
    }

    @Test func `conv reports the statistics of its batch norms`() async throws {
        let harness = try harness(network: Self.conv)
        let samples = [Array(0..<8), Array(8..<16)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<2], order: [0])
        let statistics = computed.result.statistics
        #expect(statistics.count == harness.version.buffers.count && statistics.count > 0)
        #expect(statistics.values.contains { $0 != 0 })
    }

    @Test func `a worker's input is checked before it counts`() throws {
        let (method, _) = try mlcdRun("centers: 40\ndim: 12")
        let good = NamedTensors(["z": Tensor(zeros: [4, 12])])
        #expect(method.problem(with: good, round: 0, samples: 4) == nil)
        #expect(method.problem(with: good, round: 1, samples: 4) != nil)
        #expect(method.problem(with: good, round: 0, samples: 5) != nil)
        #expect(method.problem(with: NamedTensors(), round: 0, samples: 4) != nil)
        let wild = NamedTensors(["z": Tensor(repeating: .nan, shape: [4, 12])])
        #expect(method.problem(with: wild, round: 0, samples: 4) != nil)
    }
}
