import Datasets
import Identity
import Networks
import Objectives
import Optimizers
import RunFiles
import Tables
import Tensors
import Testing

@testable import Methods

/// Steps of momentum contrast: a key encoder that follows, keys in a queue (sheet contrastive,
/// section 2, alternatives).
@Suite struct MomentumContrastTests {
    private static let images: ImageDataset = {
        let random = CounterRandom(seed: 1, stream: .test)
        return ImageDataset(
            name: "noise", channels: 1, height: 28, width: 28, classCount: 4,
            pixels: (0..<(48 * 784)).map { UInt8(random.bits(at: $0) & 255) },
            labels: (0..<48).map { UInt8($0 % 4) },
            statistics: ChannelStatistics(mean: [0.5], deviation: [0.3]),
            manifest: DataManifest(entries: []))
    }()

    private func plan(
        _ lines: String = "", queue: Int = 30
    ) throws(RunFileError) -> RunPlan {
        try RunPlan(
            text: """
                method: contrastive
                steps: 100
                batch: {samples: 24, slices: 3}
                network: {kind: conv, widths: [8, 16]}
                views: {area: [0.6, 1]}
                contrastive: {loss: moco, dim: 12, temperature: 0.2, queue: \(queue), \(lines)}
                """, file: "run.yaml")
    }

    private func method(_ lines: String = "keyMomentum: 0.75") throws -> Contrastive {
        try #require(try plan(lines).method as? Contrastive)
    }

    private func harness() throws -> MomentumHarness {
        let method = try method()
        let parameters = method.layout.initialised(seed: 3)
        return MomentumHarness(
            worker: method.makeWorker(dataset: Self.images, seed: 3),
            coordinator: ContrastiveQueue(method.settings, dataset: Self.images, seed: 3),
            version: VersionTensors(
                parameters: parameters, buffers: method.layout.initialisedBuffers(),
                averages: parameters),
            optimizer: ParameterOptimizer(
                .sgd(SGDMomentum(weightDecay: 5e-4)), parameterCount: method.layout.flatCount))
    }

    private func samples(_ step: Int) -> [[Int]] {
        let all = (0..<24).map { (step * 24 + $0 * 5) % 48 }
        return (0..<3).map { Array(all[(8 * $0)..<(8 * $0 + 8)]) }
    }

    private func train(
        _ harness: inout MomentumHarness, steps: Range<Int>, groups: [Range<Int>], order: [Int]
    ) async throws {
        for step in steps {
            let samples = samples(step)
            try harness.coordinator.open(step: step, samples: samples)
            let computed = try await harness.compute(
                step: step, samples: samples, groups: groups, order: order)
            try harness.commit(step: step, rate: 0.05, result: computed.result)
        }
    }

    private func identical(_ a: MomentumHarness, _ b: MomentumHarness) -> Bool {
        guard let mine = a.version.averages, let other = b.version.averages else { return false }
        return a.version.parameters.isBitIdentical(to: b.version.parameters)
            && mine.isBitIdentical(to: other)
            && a.coordinator.queue.allRows.isBitIdentical(to: b.coordinator.queue.allRows)
            && a.coordinator.queue.pointer == b.coordinator.queue.pointer
    }

    @Test func `defaults are MoCo's, and a queue holds the keys of a step`() throws {
        let run = try RunPlan(
            text: """
                method: contrastive
                steps: 10
                batch: {samples: 24, slices: 3}
                network: {kind: conv}
                contrastive: {loss: moco}
                """, file: "run.yaml")
        let method = try #require(run.method as? Contrastive)
        #expect(method.settings.queue == 65_536 && method.settings.temperature == 0.07)
        #expect(method.averages == ParameterAverages(momentum: 0.999))
        #expect(method.instanceContrast == InstanceContrast(temperature: 0.07))
        let first = try run.firstVersion()
        #expect(first.averages?.isBitIdentical(to: first.parameters) == true)
        let error = #expect(throws: RunFileError.self) { try plan(queue: 23) }
        #expect(error.map { "\($0)".contains("contrastive.queue") } == true)
        // Of other losses there is no key encoder, whatever keys stand there.
        let bank = try RunPlan(
            text: """
                method: contrastive
                steps: 10
                batch: {samples: 24, slices: 3}
                network: {kind: conv}
                contrastive: {queue: 50, keyMomentum: 0.9}
                """, file: "run.yaml")
        #expect(bank.method.averages == nil)
        #expect(try bank.firstVersion().averages == nil)
    }

    @Test func `queries are by the parameters, keys by the averages, of two views`() async throws {
        var harness = try harness()
        try await train(&harness, steps: 0..<2, groups: [0..<3], order: [0])
        let averages = try #require(harness.version.averages)
        #expect(!averages.isBitIdentical(to: harness.version.parameters))
        let samples = samples(2)
        let input = try await harness.input(of: harness.work(1, of: samples, step: 2))
        #expect(input.entries.map(\.name).sorted() == ["keys", "z"])
        // As plain passes over the views in training give them.
        let method = try method()
        func embeddings(_ parameters: Tensor, view: Int) -> Tensor {
            let tape = Tape()
            let pass = ForwardPass(
                method.layout, parameters: parameters, buffers: harness.version.buffers,
                tape: tape, isTraining: true)
            let images = Self.images.randomResizedCropFlip(
                samples[1], dataEpoch: 0, view: view, seed: 3, settings: method.views)
            return method.network(tape.constant(images), pass).embeddings.value
        }
        let z = embeddings(harness.version.parameters, view: 0)
        #expect(input["z"]?.isBitIdentical(to: z) == true)
        #expect(input["keys"]?.isBitIdentical(to: embeddings(averages, view: 1)) == true)
    }

    @Test func `the order in which groups are answered decides no bit`() async throws {
        var (one, two) = (try harness(), try harness())
        two.keepsActivations = false
        try await train(&one, steps: 0..<4, groups: [0..<1, 1..<3], order: [0, 1])
        try await train(&two, steps: 0..<4, groups: [0..<1, 1..<3], order: [1, 0])
        #expect(identical(one, two))
        // 96 keys have gone once round the 30 rows, three times.
        #expect(one.coordinator.queue.pointer == 96 % 30)
    }

    @Test func `keys enter the queue in batch order at commit, and answers see it as it was`()
        async throws
    {
        var harness = try harness()
        let before = harness.coordinator.queue.allRows
        let samples = samples(0)
        var keys: [Tensor] = []
        for slice in 0..<3 {
            let input = try await harness.input(of: harness.work(slice, of: samples))
            keys.append(try #require(input["keys"]).unitRows())
        }
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1, 1..<2, 2..<3], order: [2, 0, 1])
        #expect(harness.coordinator.queue.allRows.isBitIdentical(to: before))
        try harness.commit(step: 0, rate: 0.05, result: computed.result)
        let rows = harness.coordinator.queue.allRows
        for (slice, key) in keys.enumerated() {
            for (a, b) in zip(rows.rows((8 * slice)..<(8 * slice + 8)).values, key.values) {
                #expect(abs(a - b) < 1e-6)
            }
        }
        #expect(rows.rows(24..<30).isBitIdentical(to: before.rows(24..<30)))
    }

    @Test func `a coordinator that is restored goes on with the same bits`() async throws {
        var one = try harness()
        try await train(&one, steps: 0..<2, groups: [0..<3], order: [0])
        var two = try harness()
        try two.coordinator.restore(one.coordinator.state)
        two.version = one.version
        two.optimizer = one.optimizer
        try await train(&one, steps: 2..<4, groups: [0..<3], order: [0])
        try await train(&two, steps: 2..<4, groups: [0..<3], order: [0])
        #expect(identical(one, two))
        #expect(one.coordinator.state.map(\.name) == ["queue.rows.0", "queue.pointer"])
    }

    @Test func `a worker's input is checked before it counts`() throws {
        let method = try method()
        let z = Tensor(zeros: [4, 12])
        let good = NamedTensors(["z": z, "keys": z])
        #expect(method.problem(with: good, round: 0, samples: 4) == nil)
        #expect(method.problem(with: good, round: 0, samples: 5) != nil)
        #expect(method.problem(with: NamedTensors(["z": z]), round: 0, samples: 4) != nil)
        let wild = NamedTensors(["z": z, "keys": Tensor(repeating: .nan, shape: [4, 12])])
        #expect(method.problem(with: wild, round: 0, samples: 4) != nil)
        let narrow = NamedTensors(["z": z, "keys": Tensor(zeros: [4, 11])])
        #expect(method.problem(with: narrow, round: 0, samples: 4) != nil)
    }
}
