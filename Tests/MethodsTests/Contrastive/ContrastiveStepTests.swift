import Datasets
import Identity
import Networks
import Optimizers
import RunFiles
import Storage
import Tables
import Tensors
import Testing

@testable import Methods

/// Whole steps of instance discrimination through worker and coordinator parts (sheet contrastive,
/// sections 2 and 3).
@Suite struct ContrastiveStepTests {
    static let conv = "kind: conv, widths: [8, 16]"
    /// The learning rate of training.
    static let rate = 0.03
    static let vit = "kind: vit, width: 16, depth: 1, heads: 2"

    /// Sixty-four images, in pairs that show the same stripes.
    private static let images = stripedImages()

    private func method(_ lines: String, network: String = conv) throws -> Contrastive {
        let plan = try RunPlan(
            text: """
                method: contrastive
                steps: 100
                batch: {samples: 32, slices: 4}
                network: {\(network)}
                views: {area: [0.6, 1], brightness: 0.4, contrast: 0.4}
                contrastive: {dim: 12, \(lines)}
                """, file: "run.yaml")
        return try #require(plan.method as? Contrastive)
    }

    private func harness(
        _ lines: String = "temperature: 0.3", network: String = conv
    ) throws -> ContrastiveHarness {
        let method = try method(lines, network: network)
        return ContrastiveHarness(
            method, ContrastiveCoordinator(method.settings, dataset: Self.images, seed: 3),
            images: Self.images, seed: 3, rule: .sgd(SGDMomentum(weightDecay: 5e-4)))
    }

    private static let everyLoss = [
        "loss: contrastive, temperature: 0.2", "loss: simple",
        "loss: hard, temperature: 0.5, hardest: 10",
        "loss: hard, form: formula, temperature: 0.5, hardest: 10",
        "loss: hard-simple, hardest: 10", "loss: extreme",
        "loss: info-nce, temperature: 0.2, negatives: 30",
        "loss: nce, temperature: 0.2, negatives: 30",
    ]

    @Test(arguments: everyLoss)
    func `the order in which groups are answered decides no bit`(lines: String) async throws {
        // Noise-contrastive estimation has one group a step.
        let isWhole = lines.contains("loss: nce")
        let groups = isWhole ? [0..<8] : [0..<2, 2..<4, 4..<6, 6..<8]
        var one = try harness(lines)
        var two = try harness(lines)
        two.keepsActivations = false
        let a = try await one.train(
            steps: 0..<3, slices: 8, groups: groups, order: isWhole ? [0] : [0, 1, 2, 3],
            rate: Self.rate)
        let b = try await two.train(
            steps: 0..<3, slices: 8, groups: groups, order: isWhole ? [0] : [3, 1, 0, 2],
            rate: Self.rate)
        #expect(a == b)
        #expect(one.isIdentical(to: two))
    }

    @Test(arguments: [1, 2, 8])
    func `a step has the same gradient up to rounding, however it is cut`(slices: Int) async throws
    {
        // No batch norm, whose statistics are a slice's own.
        let whole = try harness(network: Self.vit)
        let cut = try harness(network: Self.vit)
        let (a, b) = try await MethodHarness.expectEqualGradients(whole, cut, slices: slices)
        #expect(abs(a.result.sums[0].value - b.result.sums[0].value) < 1e-5)
    }

    @Test func `the gradient is the slope of the loss`() async throws {
        var harness = try harness(network: Self.vit)
        let samples = [Array(0..<16)]
        func loss(_ parameters: Tensor) async throws -> (Double, [Float]) {
            harness.version.parameters = parameters
            try harness.coordinator.open(step: 0, samples: samples)
            let computed = try await harness.compute(
                step: 0, samples: samples, groups: [0..<1], order: [0])
            return (computed.result.sums[0].value, computed.result.gradient.values)
        }
        let start = harness.version.parameters
        let (_, gradient) = try await loss(start)
        let random = CounterRandom(seed: 9, stream: .test)
        let direction = (0..<gradient.count).map { random.normal(at: $0) }
        func moved(_ step: Float) -> Tensor {
            Tensor(zip(start.values, direction).map { $0 + step * $1 }, shape: start.shape)
        }
        let (up, _) = try await loss(moved(1e-3))
        let (down, _) = try await loss(moved(-1e-3))
        let slope = (up - down) / 2e-3
        let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(slope - expected) < 0.02 * max(0.5, abs(expected)), "\(slope), \(expected)")
    }

    /// The bank moves by itself, and the level of a loss with it: so the bank is held, and the same
    /// step is made again and again.
    @Test(arguments: everyLoss.filter { !$0.contains("extreme") })
    func `training lowers the loss against a bank that stands still`(lines: String) async throws {
        var harness = try harness(lines)
        _ = try await harness.train(
            steps: 0..<1, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        let samples = [Array(0..<32)]
        var losses: [Double] = []
        for _ in 0..<40 {
            try harness.coordinator.open(step: 1, samples: samples)
            let computed = try await harness.compute(
                step: 1, samples: samples, groups: [0..<1], order: [0])
            losses.append(computed.result.sums[0].value)
            var parameters = harness.version.parameters
            harness.optimizer.step(&parameters, gradient: computed.result.gradient, rate: 0.01)
            harness.version.parameters = parameters
        }
        let last = losses[35...].reduce(0, +) / 5
        #expect(last < losses[0] - 0.1, "\(lines): \(losses)")
    }

    @Test(arguments: ["loss: hard, hardest: 10", "loss: nce, negatives: 20"])
    func `a coordinator that is restored goes on with the same bits`(lines: String) async throws {
        var one = try harness(lines)
        try await one.expectGoesOn(as: harness(lines), rate: Self.rate)
    }

    @Test func `the constant of noise-contrastive estimation is set by the first commit`()
        async throws
    {
        var harness = try harness("loss: nce, negatives: 20")
        let samples = [Array(0..<32)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1], order: [0])
        #expect(harness.coordinator.constant == nil)
        try harness.commit(step: 0, rate: 0.01, result: computed.result)
        let constant = try #require(harness.coordinator.constant)
        #expect(constant > 0)
        _ = try await harness.train(
            steps: 1..<3, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        #expect(harness.coordinator.constant == constant)
    }

    @Test func `a constant that is none is refused`() throws {
        let harness = try harness("loss: nce, negatives: 20")
        var state = harness.coordinator.state
        #expect(state.map(\.name) == ["bank.rows.0", "nce.constant"])
        for bits in [[0], [-1], [Int64(Float.nan.bitPattern)], [1, 2]] as [[Int64]] {
            state[1] = StateArray("nce.constant", .integers(bits))
            #expect(throws: ContrastiveError.badConstant) {
                try harness.coordinator.restore(state)
            }
        }
    }

    @Test func `a step that is opened again, or passed over, leaves the bank alone`() async throws {
        var one = try harness()
        var two = try harness()
        let samples = [Array(0..<32)]
        try two.coordinator.open(step: 0, samples: samples)
        _ = try await two.compute(step: 0, samples: samples, groups: [0..<1], order: [0])
        #expect(one.isIdentical(to: two))
        _ = try await one.train(
            steps: 0..<1, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        _ = try await two.train(
            steps: 0..<1, slices: 1, groups: [0..<1], order: [0], rate: Self.rate)
        #expect(one.isIdentical(to: two))
    }

    @Test func `the bank is where the method says, one row an image; a queue is no bank`() throws {
        let harness = try harness("loss: nce, negatives: 20")
        let files = try #require(try method("loss: nce, negatives: 20").memoryBank)
        #expect(files == BankFiles(prefix: "bank", dim: 12))
        let path = "/tables.safetensors"
        let disk = SimulatedDisk()
        try SafetensorsFile.write(
            harness.coordinator.state.map(\.changedArray.entry), metadata: [], to: path,
            fileSystem: disk)
        let rows = try MemoryBank.storedRows(
            in: StreamedSafetensors(path, fileSystem: disk), prefix: files.prefix, dim: files.dim)
        #expect(rows.isBitIdentical(to: harness.coordinator.bank.allRows))
        #expect(rows.shape == [Self.images.count, 12])
        #expect(try method("loss: moco, queue: 40").memoryBank == nil)
    }

    @Test func `the separation of a batch is the positive's less the ten nearest's similarity`() {
        let f = CounterRandom(seed: 2, stream: .test).normalTensor([30, 6]).unitRows()
        func separation(_ f: Tensor) -> Double? {
            let count = f.shape[0]
            let figures = batchFigures(
                of: f, positive: 0.75, labels: Array(0..<count), threads: 2)
            #expect(figures.map(\.name).first == "similarity.positive")
            return figures.first { $0.name == "separation" }?.value
        }
        func expected(_ count: Int) -> Double {
            let values = f.values.map(Double.init)
            let nearest = (0..<count).map { i in
                let others = (0..<count).filter { $0 != i }.map { j in
                    (0..<6).reduce(0.0) { $0 + values[6 * i + $1] * values[6 * j + $1] }
                }.sorted(by: >).prefix(10)
                return others.reduce(0, +) / Double(others.count)
            }
            return 0.75 - nearest.reduce(0, +) / Double(count)
        }
        for count in [30, 11, 5, 2] {
            let found = separation(f.rows(0..<count)) ?? 9
            #expect(abs(found - expected(count)) < 1e-6, "\(count)")
        }
        #expect(separation(f.rows(0..<1)) == nil)
    }

    @Test func `a commit reports figures of its batch`() async throws {
        let harness = try harness()
        let samples = [Array(0..<10), Array(10..<20)]
        try harness.coordinator.open(step: 0, samples: samples)
        let computed = try await harness.compute(
            step: 0, samples: samples, groups: [0..<1, 1..<2], order: [1, 0])
        let figures = try harness.coordinator.commit(step: 0, rate: 0.1, result: computed.result)
        #expect(
            figures.map(\.name)
                == ["similarity.positive", "uniformity", "separation", "tolerance"])
        #expect(abs(figures[0].value) <= 1.2 && figures[1].value >= 0)
        #expect(abs(figures[2].value) <= 2.2 && abs(figures[3].value) <= 1)
    }

    @Test func `more hardest rows than images are refused at start`() throws {
        let harness = try harness("loss: hard, hardest: 65")
        #expect(throws: ContrastiveError.tooManyHardest(65, images: 64)) {
            try harness.coordinator.prepare(directory: "/nowhere") { _, _ in }
        }
    }

    @Test func `a worker's input is checked before it counts`() throws {
        let method = try method("temperature: 0.1")
        let good = NamedTensors(["z": Tensor(zeros: [4, 12])])
        #expect(method.problem(with: good, round: 0, samples: 4) == nil)
        #expect(method.problem(with: good, round: 1, samples: 4) != nil)
        #expect(method.problem(with: good, round: 0, samples: 5) != nil)
        let wild = NamedTensors(["z": Tensor(repeating: .infinity, shape: [4, 12])])
        #expect(method.problem(with: wild, round: 0, samples: 4) != nil)
    }
}
