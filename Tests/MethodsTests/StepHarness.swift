import Datasets
import Identity
import Optimizers
import RunFiles
import Tensors

@testable import Methods

/// Steps of a method in one place, without wire, leases or threads: worker and coordinator parts
/// meet only through exchanges, results and versions, as they do in a run.
struct MethodHarness<Coordinator: CoordinatorMethod> {
    let worker: any WorkerMethod
    let coordinator: Coordinator
    var version: VersionTensors
    var optimizer: ParameterOptimizer
    /// Whether a slice keeps its activations while it is parked.
    var keepsActivations = true

    /// What a step's slices gave.
    struct Computed {
        var result: SliceResult
        /// dL/dz of all samples, in order.
        var embeddingGradient: [Float]
    }

    /// Computes a step that is open.
    ///
    /// - Parameters:
    ///   - groups: slices of each answer group.
    ///   - order: the order in which groups are answered.
    func compute(
        step: Int, samples: [[Int]], groups: [Range<Int>], order: [Int], dataEpoch: UInt64 = 0
    ) async throws -> Computed {
        let work = samples.indices.map {
            self.work($0, of: samples, step: step, dataEpoch: dataEpoch)
        }
        var inputs: [NamedTensors] = []
        for work in work { inputs.append(try await input(of: work)) }
        var answers = [NamedTensors](repeating: NamedTensors(), count: samples.count)
        for group in order {
            let slices = groups[group]
            let given = try coordinator.answer(
                round: 0, group: group, slices: slices, inputs: Array(inputs[slices]))
            for (slice, answer) in zip(slices, given) { answers[slice] = answer }
        }
        var results: [SliceResult] = []
        for (slice, work) in work.enumerated() {
            let expected = inputs[slice]["z"]
            let result = try await worker.run(
                work, views: worker.views(of: work), version: version, progress: Silence()
            ) { _, input in
                precondition(
                    zip([input["z"]], [expected]).allSatisfy { mine, before in
                        guard let mine, let before else { return false }
                        return mine.isBitIdentical(to: before)
                    }, "forward again gave other bits")
                return answers[slice]
            }
            results.append(result)
        }
        let root = TreeNode(lo: 0, hi: samples.count)
        return Computed(
            result: sum(results, root),
            embeddingGradient: answers.flatMap { $0["dz"]?.values ?? [] })
    }

    /// Commits a step: the network's optimizer, then the coordinator's tables.
    @discardableResult
    mutating func commit(
        step: Int, rate: Double, result: SliceResult
    ) throws -> [SliceResult.Sum] {
        var parameters = version.parameters
        optimizer.step(&parameters, gradient: result.gradient, rate: rate)
        version.parameters = parameters
        version.averages = version.averages.flatMap {
            worker.averages?.following($0, parameters)
        }
        return try coordinator.commit(step: step, rate: Float(rate), result: result)
    }

    /// A slice of a step as a worker gets it.
    func work(
        _ slice: Int, of samples: [[Int]], step: Int = 0, dataEpoch: UInt64 = 0
    ) -> SliceWork {
        SliceWork(
            slice, of: samples, step: step, dataEpoch: dataEpoch,
            keepsActivations: keepsActivations)
    }

    /// What a slice hands over in its exchange, at which it is given up.
    func input(of work: SliceWork) async throws -> NamedTensors {
        try await worker.input(of: work, version)
    }

    private func sum(_ results: [SliceResult], _ node: TreeNode) -> SliceResult {
        guard let (left, right) = node.children else { return results[node.lo] }
        return SliceResult.sum(sum(results, left), sum(results, right))
    }
}

/// Parks a slice at its exchange: it is run again when its answer is there.
struct Parked: Error {}

/// Ticks that nobody reads.
struct Silence: SliceProgress {
    func tick() {}
    func beginBackward() {}
}

extension SliceWork {
    /// A slice of a step with these samples of every slice.
    init(
        _ slice: Int, of samples: [[Int]], step: Int = 0, dataEpoch: UInt64 = 0,
        keepsActivations: Bool = true
    ) {
        self.init(
            step: step, slice: slice, dataEpoch: dataEpoch,
            stepSamples: samples.reduce(0) { $0 + $1.count }, samples: samples[slice],
            keepsActivations: keepsActivations)
    }
}

extension WorkerMethod {
    /// What a slice hands over in its exchange, at which it is given up.
    func input(of work: SliceWork, _ version: VersionTensors) async throws -> NamedTensors {
        var kept = NamedTensors()
        do {
            _ = try await run(
                work, views: views(of: work), version: version, progress: Silence()
            ) { _, input in
                kept = input
                throw Parked()
            }
        } catch is Parked {}
        return kept
    }
}

/// Steps of MLCD.
typealias StepHarness = MethodHarness<MLCDCoordinator>

/// Steps of instance discrimination.
typealias ContrastiveHarness = MethodHarness<ContrastiveCoordinator>

/// Steps of momentum contrast.
typealias MomentumHarness = MethodHarness<ContrastiveQueue>

/// Images without content, where a test needs their number alone.
func blankImages(_ count: Int) -> ImageDataset {
    ImageDataset(
        name: "blank", channels: 1, height: 4, width: 4, classCount: 1,
        pixels: Array(repeating: 0, count: 16 * count), labels: Array(repeating: 0, count: count),
        statistics: ChannelStatistics(mean: [0], deviation: [1]),
        manifest: DataManifest(entries: []))
}

/// A run file of MLCD with these lines below `mlcd`, and the method it makes.
func mlcdRun(
    _ lines: String, network: String = "kind: vit", views: String = "size: 28",
    optimizer: String = "kind: adamw"
) throws(RunFileError) -> (method: MLCD, settings: RunSettings) {
    func indented(_ text: String) -> String {
        text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    }
    let document = try RunDocument(
        text: """
            method: mlcd
            steps: 100
            batch:
              samples: 32
              slices: 4
            optimizer:
            \(indented(optimizer))
            network:
            \(indented(network))
            views:
            \(indented(views))
            mlcd:
            \(indented(lines))
            """)
    let settings = RunSettings(from: document.root, methods: MethodRegistry.names)
    let method = MLCD(sections: RunSections(of: document.root, method: "mlcd"), settings: settings)
    try document.finish()
    return (method, settings)
}
