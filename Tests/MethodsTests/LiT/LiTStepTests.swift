import Buffers
import Datasets
import Evaluation
import Networks
import Objectives
import Optimizers
import RunFiles
import Tensors
import Testing

@testable import Methods

/// Steps of LiT through worker and coordinator parts, against the loss of the whole batch.
@Suite struct LiTStepTests {
    private static let whole = [Array(0..<24)]
    /// Four slices of one step, one of which holds nothing.
    private static let cut = [Array(0..<5), Array(5..<16), [], Array(16..<24)]

    /// Loss and gradient of a batch on one tape, captions and all.
    private func straight(
        _ harness: LiTHarness, _ samples: [Int]
    ) -> (loss: Float, gradient: Tensor) {
        let towers = harness.method.towers
        let captions = FashionCaptions(seed: harness.plan.settings.seed)
        let texts = towers.tokens.sequences(
            of: samples.map { captions.caption(of: $0, in: LiTHarness.images, dataEpoch: 0) })
        let rows = samples.flatMap { LiTHarness.embeddings.rows($0..<($0 + 1)).values }
        let tape = Tape()
        let pass = towers.pass(harness.version, tape: tape, isTraining: true)
        let contrast = SymmetricContrast(
            images: tape.constant(Tensor(rows, shape: [samples.count, LiTHarness.dim])),
            texts: towers.texts(texts, pass), logScale: towers.logScale(pass))
        let one = Tensor(repeating: 1, shape: contrast.loss.shape)
        return (contrast.loss.value.scalar, pass.flatGradient(of: [(contrast.loss, one)]))
    }

    @Test(arguments: [whole, cut])
    func `slices add up to loss and gradient of the whole batch on one tape`(
        samples: [[Int]]
    ) async throws {
        try await LiTHarness.withFile { path in
            let harness = try LiTHarness(path: path)
            let expected = straight(harness, samples.flatMap { $0 })
            let found = try await harness.step(samples: samples)
            #expect(found.sums.map(\.name) == harness.method.sumNames)
            #expect(abs(found.sums[0].value - Double(expected.loss)) < 1e-5)
            #expect((0...1).contains(found.sums[1].value))
            let largest = expected.gradient.values.map(\.magnitude).max() ?? 0
            #expect(largest > 1e-3)
            for (a, b) in zip(found.gradient.values, expected.gradient.values) {
                #expect(abs(a - b) <= 1e-4 * largest + 1e-3 * abs(b))
            }
            // The scale's own number, which lies last: once, and not once a slice.
            let layout = harness.method.layout
            let place = layout.offset(of: layout.entries.count - 1)
            let (t, wanted) = (found.gradient.values[place], expected.gradient.values[place])
            #expect(wanted != 0 && abs(t - wanted) <= 1e-4 * abs(wanted) + 1e-5)
        }
    }

    @Test func `what belongs to the whole step is in its first slice alone`() async throws {
        try await LiTHarness.withFile { path in
            let harness = try LiTHarness(path: path)
            let results = try await harness.slices(samples: [[], [3, 4], [5], [9, 8, 7]])
            let layout = harness.method.layout
            let place = layout.offset(of: layout.entries.count - 1)
            #expect(layout.entries.last?.name == "logit_scale")
            #expect(results.count == 3)
            #expect(results[0].gradient.values[place] != 0 && results[0].sums[0].value > 0)
            for result in results.dropFirst() {
                #expect(result.gradient.values[place] == 0)
                #expect(result.sums.map(\.value) == [0, 0])
                #expect(result.gradient.values.contains { $0 != 0 })
            }
        }
    }

    @Test func `a slice that drops its activations gives the same bits`() async throws {
        try await LiTHarness.withFile { path in
            let keeps = try LiTHarness(path: path)
            var drops = keeps
            drops.keepsActivations = false
            let (a, b) = (
                try await keeps.step(samples: Self.cut), try await drops.step(samples: Self.cut)
            )
            #expect(a.gradient.isBitIdentical(to: b.gradient) && a.sums == b.sums)
        }
    }

    @Test func `a slice that is given up at its exchange leaves no memory behind`() async throws {
        try await LiTHarness.withFile { path in
            let harness = try LiTHarness(path: path)
            let worker = try #require(harness.worker as? LiTWorker)
            _ = try await harness.step(samples: Self.whole)
            let before = worker.pool.counts
            for _ in 0..<10 { _ = try await harness.input(of: harness.work(0, of: Self.whole)) }
            #expect(worker.pool.counts.allocations == before.allocations)
            #expect(worker.pool.counts.freeBytes == before.freeBytes)
        }
    }

    @Test func `inputs that cannot be used are refused, with what is wrong`() async throws {
        try await LiTHarness.withFile { path in
            let harness = try LiTHarness(path: path)
            let good = try await harness.input(of: harness.work(0, of: Self.whole))
            func problem(_ z: Tensor?, _ logScale: Tensor?) -> String? {
                var input = NamedTensors()
                if let z { input.append("z", z) }
                if let logScale { input.append("logScale", logScale) }
                return harness.method.problem(with: input, round: 0, samples: 24)
            }
            let (z, t) = (try #require(good["z"]), try #require(good["logScale"]))
            #expect(problem(z, t) == nil)
            #expect(t.scalar == LiTNetwork.logScaleStart)
            #expect(problem(z, nil) != nil && problem(nil, t) != nil)
            #expect(problem(z.rows(0..<23), t) != nil)
            #expect(problem(z, Tensor([1, 2], shape: [2])) != nil)
            #expect(problem(z, Tensor([.nan], shape: [1])) != nil)
            #expect(harness.method.problem(with: good, round: 1, samples: 24) != nil)

            // Slices of one step have one version, and so one t.
            let samples = [Array(0..<24), Array(24..<30)]
            try harness.coordinator.open(step: 0, samples: samples)
            var other = NamedTensors()
            other.append("z", z.rows(0..<6))
            other.append("logScale", Tensor([t.scalar.nextUp], shape: [1]))
            let error = #expect(throws: LiTError.self) {
                try harness.coordinator.answer(
                    round: 0, group: 0, slices: 0..<2, inputs: [good, other])
            }
            #expect(error?.description.contains("slice 1") == true)
        }
    }

    @Test func `some steps teach texts to find their images, and classes without a label`()
        async throws
    {
        try await LiTHarness.withFile { path in
            var harness = try LiTHarness(path: path)
            var optimizer = ParameterOptimizer(
                .adamW(AdamW(weightDecay: 0)), parameterCount: harness.method.layout.flatCount)
            let labels = (0..<LiTHarness.count).map { LiTHarness.images.label($0) }
            func accuracy() -> Double {
                harness.method.zeroShotHead(harness.version)
                    .accuracy(of: LiTHarness.embeddings, labels)
            }
            let before = accuracy()
            var losses: [Double] = []
            for step in 0..<300 {
                // Ten images of ten classes: a text is that of one image alone.
                let first = step % 4 * 10
                let samples = [Array(first..<(first + 5)), Array((first + 5)..<(first + 10))]
                let result = try await harness.step(
                    step, samples: samples, epoch: UInt64(step / 4))
                losses.append(result.sums[0].value)
                var parameters = harness.version.parameters
                optimizer.step(&parameters, gradient: result.gradient, rate: 3e-3)
                harness.version.parameters = parameters
                #expect(
                    try harness.coordinator.commit(step: step, rate: 3e-3, result: result).isEmpty)
            }
            let (begun, ended) = (losses.prefix(4).reduce(0, +), losses.suffix(4).reduce(0, +))
            #expect(ended < begun / 2, "\(losses)")
            #expect(before < 0.5 && accuracy() > 0.7, "\(before), \(accuracy())")
        }
    }
}
