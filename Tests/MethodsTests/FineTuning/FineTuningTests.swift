import Datasets
import Networks
import Optimizers
import RunFiles
import Tensors
import Testing

@testable import Methods

@Suite struct FineTuningTests {
    /// Thirty-two images of eight classes, which show in their pixels.
    private static let images = stripedImages(32)

    private func plan(classes: Int = 8, more: String = "") throws -> RunPlan {
        try RunPlan(
            text: """
                method: fine-tuning
                steps: 10
                batch: {samples: 32, slices: 4}
                network: {kind: vit, patch: 14, width: 16, depth: 1, heads: 2}
                fine-tuning: {classes: \(classes)\(more)}
                """, file: "run.yaml")
    }

    /// A slice of a step with these samples.
    private func result(
        _ plan: RunPlan, _ samples: [Int], of stepSamples: Int, _ version: VersionTensors
    ) async throws -> SliceResult {
        let worker = plan.method.makeWorker(dataset: Self.images, seed: plan.settings.seed)
        let work = SliceWork(
            step: 0, slice: 0, dataEpoch: 0, stepSamples: stepSamples, samples: samples,
            keepsActivations: true)
        return try await worker.run(
            work, views: worker.views(of: work), version: version, progress: Silence()
        ) { _, _ in throw Parked() }
    }

    @Test func `slices add up to the loss, accuracy and gradient of the whole step`() async throws {
        let plan = try plan()
        let version = try plan.firstVersion()
        let whole = try await result(plan, Array(0..<32), of: 32, version)
        let first = try await result(plan, Array(0..<12), of: 32, version)
        let second = try await result(plan, Array(12..<32), of: 32, version)
        let sum = SliceResult.sum(first, second)
        #expect(sum.sums.map(\.name) == plan.method.sumNames)
        for (a, b) in zip(whole.sums, sum.sums) { #expect(abs(a.value - b.value) < 1e-5) }
        for (a, b) in zip(whole.gradient.values, sum.gradient.values) {
            #expect(abs(a - b) <= 1e-5 + 1e-4 * abs(a))
        }
        // An untrained network knows nothing of eight classes.
        #expect(abs((whole.sums[0].value) - 2.08) < 0.5)
        #expect((0...1).contains(whole.sums[1].value))
    }

    @Test func `the gradient is the slope of the loss`() async throws {
        let plan = try plan()
        let version = try plan.firstVersion()
        let samples = Array(0..<8)
        let gradient = try await result(plan, samples, of: 8, version).gradient.values
        let random = CounterRandom(seed: 9, stream: .test)
        let direction = (0..<gradient.count).map { random.normal(at: $0) }
        func loss(_ step: Float) async throws -> Double {
            var moved = version
            let values = zip(version.parameters.values, direction).map { $0 + step * $1 }
            moved.parameters = Tensor(values, shape: version.parameters.shape)
            return try await result(plan, samples, of: 8, moved).sums[0].value
        }
        let slope = (try await loss(1e-3) - loss(-1e-3)) / 2e-3
        let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(slope - expected) < 0.02 * max(1, abs(expected)), "\(slope), \(expected)")
    }

    @Test func `a few steps learn to tell the classes apart`() async throws {
        let plan = try plan()
        var version = try plan.firstVersion()
        var optimizer = ParameterOptimizer(
            .adamW(AdamW(weightDecay: 0)), parameterCount: plan.method.layout.flatCount)
        var accuracies: [Double] = []
        for _ in 0..<60 {
            let step = try await result(plan, Array(0..<32), of: 32, version)
            accuracies.append(step.sums[1].value)
            var parameters = version.parameters
            optimizer.step(&parameters, gradient: step.gradient, rate: 3e-3)
            version.parameters = parameters
        }
        #expect(accuracies[0] < 0.6 && (accuracies.last ?? 0) > 0.9, "\(accuracies)")
    }

    @Test func `a data set of other classes is refused, and a mistaken key`() throws {
        let plan = try plan(classes: 9)
        let coordinator = plan.method.makeCoordinator(
            dataset: Self.images, settings: plan.settings)
        let error = #expect(throws: FineTuningError.self) {
            try coordinator.prepare(directory: "/nowhere") { _, _ in }
        }
        #expect(error?.description.contains("fine-tuning.classes") == true)
        #expect(throws: RunFileError.self) { try self.plan(more: ", margin: 1") }
    }
}
