import Clustering
import Datasets
import Foundation
import Identity
import Storage
import Tables
import Tensors
import Testing

@testable import Methods

@Suite struct MLCDLabelsTests {
    private static let images: ImageDataset = {
        let random = CounterRandom(seed: 2, stream: .test)
        return ImageDataset(
            name: "noise", channels: 1, height: 8, width: 8, classCount: 2,
            pixels: (0..<(120 * 64)).map { UInt8(random.bits(at: $0) & 255) },
            labels: Array(repeating: 0, count: 120),
            statistics: ChannelStatistics(mean: [0.5], deviation: [0.3]),
            manifest: DataManifest(entries: []))
    }()

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("labels-\(ProcessInfo.processInfo.globallyUniqueString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            // What stays behind in the folder of temporary files harms nobody.
            try? FileManager.default.removeItem(at: folder)
        }
        try body(folder.path)
    }

    private func coordinator(_ lines: String = "") throws -> MLCDCoordinator {
        let (method, _) = try mlcdRun(
            "centers: 12\npositives: 3\nclustering:\n  iterations: 3\n" + lines,
            network: "kind: conv", views: "size: 8")
        return MLCDCoordinator(method.settings, dataset: Self.images, seed: 1)
    }

    @Test func `labels are made once and found again`() throws {
        try withDirectory { directory in
            var reports: [Double] = []
            let first = try coordinator()
            try first.prepare(directory: directory) { fraction, _ in reports.append(fraction) }
            #expect(reports == reports.sorted() && reports.last == 1 && reports.count == 4)

            let second = try coordinator()
            var silent = true
            try second.prepare(directory: directory) { _, _ in silent = false }
            #expect(silent)
            #expect(digest(first) == digest(second) && digest(first)?.count == 4)
        }
    }

    @Test(arguments: ["  seed: 5", "  spherical: false", "  pooling: 2"])
    func `labels of other settings are not taken`(lines: String) throws {
        try withDirectory { directory in
            try coordinator().prepare(directory: directory) { _, _ in }
            var reports = 0
            try coordinator(lines).prepare(directory: directory) { _, _ in reports += 1 }
            #expect(reports > 0)
        }
    }

    @Test func `a damaged file of labels is an error, not other labels`() throws {
        try withDirectory { directory in
            try coordinator().prepare(directory: directory) { _, _ in }
            let path = URL(fileURLWithPath: directory + "/" + MLCDLabels.fileName)
            try Data(contentsOf: path).dropLast(1).write(to: path)
            #expect(throws: StorageError.self) {
                try coordinator().prepare(directory: directory) { _, _ in }
            }
        }
    }

    @Test func `features come from a file with one row an image`() throws {
        try withDirectory { directory in
            let path = directory + "/features.npy"
            let features = CounterRandom(seed: 1, stream: .test).normalTensor([120, 6])
            try NPYFile.write(features, to: path)
            let lines = "  features: file\n  path: \(path)"
            try coordinator(lines).prepare(directory: directory) { _, _ in }
            try NPYFile.write(features.rows(0..<119), to: path)
            #expect(throws: StorageError.self) {
                try coordinator(lines).prepare(directory: directory) { _, _ in }
            }
        }
    }

    @Test func `pixels that cannot be averaged are refused by name`() throws {
        try withDirectory { directory in
            #expect(throws: MLCDError.badPooling(3, height: 8, width: 8)) {
                try coordinator("  pooling: 3").prepare(directory: directory) { _, _ in }
            }
        }
    }

    @Test func `a clustering's file is taken once, with the labels that are stored`() throws {
        try withDirectory { directory in
            let path = directory + "/given.safetensors"
            let made = try clustering(samples: 120, centers: 12, labels: 5)
            try made.write(to: path, source: "a test")
            let first = try fileCoordinator(path)
            try first.prepare(directory: directory) { _, _ in }
            // The state directory has its own copy.
            try FileManager.default.removeItem(atPath: path)
            let second = try fileCoordinator(path)
            try second.prepare(directory: directory) { _, _ in }
            #expect(digest(first) == digest(second) && digest(first)?.count == 4)
            let origin = MLCDLabels.originOfFile(second.settings, dataset: Self.images)
            let held = try #require(
                try MLCDLabels.load(
                    directory: directory, origin: origin, settings: second.settings, count: 120))
            for sample in 0..<120 {
                #expect(held.stored(of: sample) == made.labels.labels(of: sample).prefix(3))
            }
        }
    }

    @Test(arguments: [(119, 12, 3), (120, 11, 3), (120, 12, 2)])
    func `a clustering of something else is refused`(
        samples: Int, centers: Int, labels: Int
    ) throws {
        try withDirectory { directory in
            let path = directory + "/given.safetensors"
            try clustering(samples: samples, centers: centers, labels: labels)
                .write(to: path, source: "a test")
            #expect {
                try fileCoordinator(path).prepare(directory: directory) { _, _ in }
            } throws: { error in
                guard case .wrongLabels(path, _)? = error as? MLCDError else { return false }
                return true
            }
        }
    }

    private func clustering(
        samples: Int, centers: Int, labels: Int
    ) throws -> ClusteringResult {
        let features = CounterRandom(seed: 1, stream: .test).normalTensor([samples, 6])
        let made = try cluster(
            features,
            settings: ClusteringSettings(
                clusterCount: centers, iterations: 2, labelsPerSample: labels, seed: 0),
            threads: 1)
        return try #require(made)
    }

    private func fileCoordinator(_ path: String) throws -> MLCDCoordinator {
        let (method, _) = try mlcdRun(
            "centers: 12\npositives: 3\nlabels: \(path)", network: "kind: conv", views: "size: 8")
        return MLCDCoordinator(method.settings, dataset: Self.images, seed: 1)
    }

    /// A coordinator with these lines of the section `mlcd`, over pixels averaged to 16 numbers.
    private func pooled(_ lines: String) throws -> MLCDCoordinator {
        let (method, _) = try mlcdRun(
            "centers: 12\n" + lines + "\nclustering:\n  iterations: 3\n  pooling: 2",
            network: "kind: conv", views: "size: 8")
        return MLCDCoordinator(method.settings, dataset: Self.images, seed: 1)
    }

    @Test func `2.1: with a threshold an image has all classes that reach it, the nearest anyway`()
        throws
    {
        try withDirectory { directory in
            let all = try pooled("positives: 11\ndim: 16")
            try all.prepare(directory: directory) { _, _ in }
            let made = try ClusteringResult.read(
                from: directory + "/" + MLCDLabels.fileName
            ).result.labels
            // A cosine that some second labels reach, but no eleventh.
            let seconds = (0..<120).map { made.similarities[11 * $0 + 1] }.sorted()
            let threshold = Double(seconds[60])
            #expect((0..<120).allSatisfy { made.similarities[11 * $0 + 10] < Float(threshold) })
            let ragged = try pooled("stored: 11\ndim: 16\nthreshold: \(threshold)")
            try ragged.prepare(directory: directory) { _, _ in }
            try ragged.open(step: 0, samples: [Array(0..<120)])
            let origin = MLCDLabels.origin(
                all.settings, clustering: try #require(clustering(all.settings)),
                dataset: Self.images, features: nil)
            let held = try #require(
                try MLCDLabels.load(
                    directory: directory, origin: origin, settings: ragged.settings, count: 120))
            var counts: Set<Int> = []
            for sample in 0..<120 {
                let own = made.similarities[(11 * sample)..<(11 * sample + 11)]
                let count = max(1, own.count { $0 >= Float(threshold) })
                counts.insert(count)
                #expect(held.stored(of: sample) == made.labels(of: sample).prefix(count))
            }
            #expect(counts.contains(1) && counts.count > 2)
        }
    }

    @Test func `a threshold that more classes than are stored may reach is refused`() throws {
        try withDirectory { directory in
            let few = try pooled("stored: 2\ndim: 16\nthreshold: -1")
            #expect(throws: MLCDError.thresholdReachesAll(samples: 120, stored: 2)) {
                try few.prepare(directory: directory) { _, _ in }
            }
        }
    }

    private func clustering(_ settings: MLCDSettings) -> MLCDClusteringSettings? {
        guard case .clustering(let clustering) = settings.labels else { return nil }
        return clustering
    }

    @Test func `2.5: rows begin as the centers of the clustering where that is wanted`() throws {
        try withDirectory { directory in
            let started = try pooled("positives: 3\ndim: 16\ntable:\n  start: centroids")
            try started.prepare(directory: directory) { _, _ in }
            let centers = try ClusteringResult.read(
                from: directory + "/" + MLCDLabels.fileName
            ).result.centers
            #expect(started.table.allRows.isBitIdentical(to: centers))
            // A later start finds labels and centers in the state directory.
            let again = try pooled("positives: 3\ndim: 16\ntable:\n  start: centroids")
            try again.prepare(directory: directory) { _, _ in }
            #expect(again.table.allRows.isBitIdentical(to: centers))

            let short = try pooled("positives: 3\ndim: 8\ntable:\n  start: centroids")
            #expect(throws: MLCDError.centersOfOtherLength(16, dim: 8)) {
                try short.prepare(directory: directory) { _, _ in }
            }
        }
    }

    @Test func `a checkpoint of other labels is refused`() throws {
        try withDirectory { directory in
            let first = try coordinator()
            try first.prepare(directory: directory) { _, _ in }
            let state = first.state
            let other = try coordinator("  seed: 5")
            try other.prepare(directory: directory) { _, _ in }
            #expect(throws: MLCDError.otherLabels) { try other.restore(state) }
            #expect(throws: MLCDError.noLabels) { try coordinator().open(step: 0, samples: [[0]]) }
        }
    }

    private func digest(_ coordinator: MLCDCoordinator) -> [Int64]? {
        guard let entry = coordinator.state.first(where: { $0.name == "labels.digest" }),
            case .integers(let words) = entry.values
        else { return nil }
        return words
    }
}
