import Datasets
import Foundation
import Networks
import Optimizers
import RunFiles
import Storage
import Tensors
import Testing

@testable import Methods

/// A run of LiT over a few images in one place, whose worker and coordinator parts meet through
/// exchanges alone.
struct LiTHarness {
    /// Images of ten classes: a square at a place and of a brightness of the class.
    static let images: ImageDataset = {
        let random = CounterRandom(seed: 4, stream: .test)
        let pixels = (0..<(count * 784)).map { index -> UInt8 in
            let (label, place) = (index / 784 % 10, index % 784)
            let (row, column) = (place / 28, place % 28)
            let (top, left) = (2 + 12 * (label / 5), 1 + 5 * (label % 5))
            let isInside = (top..<(top + 12)).contains(row) && (left..<(left + 5)).contains(column)
            return isInside ? UInt8(90 + 15 * label) + UInt8(random.bits(at: index) % 16) : 0
        }
        return ImageDataset(
            name: "squares", channels: 1, height: 28, width: 28, classCount: 10, pixels: pixels,
            labels: (0..<count).map { UInt8($0 % 10) },
            statistics: ChannelStatistics(mean: [0.3], deviation: [0.3]),
            manifest: DataManifest(entries: []))
    }()
    static let count = 40
    static let dim = 12

    /// Embeddings as a trained image tower has them: a direction of the class, and noise.
    static let embeddings: Tensor = {
        let classes = CounterRandom(seed: 5, stream: .test)
        let noise = CounterRandom(seed: 6, stream: .test)
        let values = (0..<(count * dim)).map { index in
            classes.normal(at: index / dim % 10 * dim + index % dim)
                + 0.2 * noise.normal(at: index)
        }
        return Tensor(values, shape: [count, dim])
    }()

    /// A file of these embeddings, gone when the body ends.
    static func withFile<Result>(
        _ rows: Tensor = LiTHarness.embeddings, _ body: (_ path: String) async throws -> Result
    ) async throws -> Result {
        let path = NSTemporaryDirectory() + "/lit-\(UUID().uuidString).npy"
        try NPYFile.write(rows, to: path)
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        return try await body(path)
    }

    /// A run file of LiT over these embeddings.
    static func runFile(_ path: String, lit: String = "", more: String = "") -> String {
        """
        method: lit
        steps: 10
        seed: 3
        batch: {samples: 24, slices: 4}
        \(more)
        lit: {images: \(path), width: 16, depth: 1, heads: 2, context: 64\(lit)}
        """
    }

    let plan: RunPlan
    let method: LiT
    let worker: any WorkerMethod
    let coordinator: any CoordinatorMethod
    var version: VersionTensors
    var keepsActivations = true

    init(path: String) throws {
        plan = try RunPlan(text: Self.runFile(path), file: "run.yaml")
        method = try #require(plan.method as? LiT)
        worker = method.makeWorker(dataset: Self.images, seed: plan.settings.seed)
        coordinator = method.makeCoordinator(dataset: Self.images, settings: plan.settings)
        try coordinator.prepare(directory: "/nowhere") { _, _ in }
        version = try plan.firstVersion()
    }

    func work(_ slice: Int, of samples: [[Int]], step: Int = 0, epoch: UInt64 = 0) -> SliceWork {
        SliceWork(
            slice, of: samples, step: step, dataEpoch: epoch, keepsActivations: keepsActivations)
    }

    /// What a slice hands over, at which it is given up.
    func input(of work: SliceWork) async throws -> NamedTensors {
        try await worker.input(of: work, version)
    }

    /// The results of a step's slices, of those that hold samples.
    func slices(step: Int = 0, samples: [[Int]], epoch: UInt64 = 0) async throws -> [SliceResult] {
        try coordinator.open(step: step, samples: samples)
        let works = samples.indices.filter { !samples[$0].isEmpty }
            .map { work($0, of: samples, step: step, epoch: epoch) }
        var inputs: [NamedTensors] = []
        for work in works { inputs.append(try await input(of: work)) }
        let answers = try coordinator.answer(
            round: 0, group: 0, slices: samples.indices, inputs: inputs)
        var results: [SliceResult] = []
        for (work, answer) in zip(works, answers) {
            let result = try await worker.run(
                work, views: worker.views(of: work), version: version, progress: Silence()
            ) { _, _ in answer }
            results.append(result)
        }
        return results
    }

    /// The sum of a step's slices.
    func step(_ step: Int = 0, samples: [[Int]], epoch: UInt64 = 0) async throws -> SliceResult {
        let results = try await slices(step: step, samples: samples, epoch: epoch)
        return results.dropFirst().reduce(results[0]) { SliceResult.sum($0, $1) }
    }
}
