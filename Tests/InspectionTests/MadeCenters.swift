import Clustering
import Datasets
import Evaluation
import Identity
import Inspection
import Methods
import Networks
import Optimizers
import Storage
import Tables
import Tensors

/// A run's table, labels and images on a simulated disk, made without a run.
///
/// The table has two chunks, so that blocks are read at their border.
struct MadeCenters {
    static let directory = "/run"
    static let tablesPath = "/run/tables.safetensors"
    static let rowCount = 16_500
    static let dim = 8
    static let perSample = 2

    let disk = SimulatedDisk()
    let plan: RunPlan
    let table: CenterTable
    /// The rows that were drawn.
    let drawn: [Int32]
    let labels: [Int32]
    let images: ImageDataset

    /// What is changed about the arrays before they are written.
    typealias Forgery = @Sendable (inout [SafetensorsEntry]) -> Void

    /// - Parameters:
    ///   - imageCount: images, with two labels each.
    ///   - forgeTables: changes the tables' file.
    ///   - forgeLabels: changes the labels' file, of which the tables then know nothing.
    init(
        imageCount: Int = 450, forgeTables: Forgery = { _ in }, forgeLabels: Forgery = { _ in }
    ) throws {
        plan = try RunPlan(
            text: """
                method: mlcd
                name: "a <b> & 'c'"
                steps: 10
                batch: {samples: 8, slices: 2}
                network: {kind: conv}
                mlcd: {dim: \(Self.dim), centers: \(Self.rowCount), positives: \(Self.perSample)}
                """, file: "run.yaml")
        var table = CenterTable(
            CenterTable.Settings(
                rowCount: Self.rowCount, dim: Self.dim, rate: 0.5,
                rule: .sgd(SGDMomentum(momentum: 0.9, weightDecay: 0)), seed: 3))
        drawn = (0..<Int32(Self.rowCount)).filter { $0 % 5 != 2 }
        let gradient = CounterRandom(seed: 4, stream: .test).normalTensor(
            [drawn.count, Self.dim])
        table.move(drawn, gradient: gradient, rate: 0.5)
        self.table = table
        images = Self.images(count: imageCount)
        let random = CounterRandom(seed: 5, stream: .test)
        // The first hundred centers are crowded, the last are empty.
        labels = (0..<imageCount).flatMap { image -> [Int32] in
            let first = Int32(random.integer(at: image, below: image % 2 == 0 ? 100 : 9000))
            return [first, (first + 1) % Int32(Self.rowCount)]
        }
        try disk.createDirectory(Self.directory)
        try writeTables(forgeTables)
        try writeLabels(forgeLabels)
    }

    private func writeTables(_ forge: Forgery) throws {
        var hasher = SHA256Hasher()
        for label in labels {
            hasher.update((0..<4).map { UInt8(truncatingIfNeeded: label >> (8 * $0)) })
        }
        var entries = table.entries(prefix: "centers")
        entries.append(
            SafetensorsEntry("labels.digest", .i64(hasher.finalize().littleEndianWords)))
        forge(&entries)
        try SafetensorsFile.write(entries, metadata: [], to: Self.tablesPath, fileSystem: disk)
    }

    private func writeLabels(_ forge: Forgery) throws {
        let dims = [labels.count / Self.perSample, Self.perSample]
        var entries = [SafetensorsEntry("labels", .i32(labels, dims: dims))]
        forge(&entries)
        try SafetensorsFile.write(
            entries, metadata: [], to: Self.directory + "/labels.safetensors", fileSystem: disk)
    }

    func tables() throws -> StreamedSafetensors {
        try StreamedSafetensors(Self.tablesPath, fileSystem: disk)
    }

    func inspected() throws -> InspectedCenters {
        try InspectedCenters(
            of: plan.method, tables: tables(), directory: Self.directory, fileSystem: disk)
    }

    func extractor(threads: Int = 2) -> FeatureExtractor {
        guard let network = plan.method.imageNetwork else {
            preconditionFailure("a method without an image encoder")
        }
        let layout = plan.method.layout
        return FeatureExtractor(
            network: network, parameters: layout.initialised(seed: 7),
            buffers: layout.initialisedBuffers(), threads: threads)
    }

    /// All rows at unit length.
    var unitRows: [[Double]] { Self.unit(table.allRows) }

    /// The rows of a matrix at unit length, in double precision.
    static func unit(_ matrix: Tensor) -> [[Double]] {
        let (values, width) = (matrix.values, matrix.shape[1])
        return (0..<matrix.shape[0]).map { row in
            let part = values[(row * width)..<((row + 1) * width)].map { Double($0) }
            let length = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return part.map { $0 / length }
        }
    }

    /// The cosines of one vector and some, each of unit length.
    static func cosines(_ one: [Double], _ others: [[Double]]) -> [Double] {
        others.map { zip(one, $0).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    private static func images(count: Int) -> ImageDataset {
        let random = CounterRandom(seed: 6, stream: .test)
        return ImageDataset(
            name: "noise/train", channels: 1, height: 28, width: 28, classCount: 10,
            pixels: (0..<(count * 784)).map { UInt8(random.bits(at: $0) & 255) },
            labels: (0..<count).map { UInt8($0 % 10) },
            statistics: ChannelStatistics(mean: [0.5], deviation: [0.3]),
            manifest: DataManifest(entries: []))
    }
}
