import Clustering
import Foundation
import Storage
import Tensors
import Testing

struct ClusterLabelsTests {
    private let samples = blobs(count: 600, dim: 12, clusters: 25, spread: 0.6)
    private let centers = blobs(count: 530, dim: 12, clusters: 25, spread: 0.6, seed: 3)

    /// All cosines in double precision, best first, of equal ones the lowest index.
    private func ranked(_ sample: Int) -> [(center: Int, cosine: Double)] {
        let (x, c) = (samples.values, centers.values)
        return (0..<530).map { center in
            var sum = 0.0
            for column in 0..<12 {
                sum += Double(x[sample * 12 + column]) * Double(c[center * 12 + column])
            }
            return (center, sum)
        }.sorted { ($1.cosine, $0.center) < ($0.cosine, $1.center) }
    }

    @Test(arguments: [1, 2, 8, 530])
    func `labels are the most similar of all centers, best first`(_ perSample: Int) {
        let found = ClusterLabels(
            samples: samples, centers: centers, perSample: perSample, threads: 2)
        #expect(found.sampleCount == 600)
        for sample in stride(from: 0, to: 600, by: 37) {
            let wanted = ranked(sample)
            for (place, label) in found.labels(of: sample).enumerated() {
                let cosine = found.similarities[sample * perSample + place]
                #expect(abs(Double(cosine) - wanted[place].cosine) < 1e-6)
                let own = wanted.first { $0.center == Int(label) }
                #expect(abs((own?.cosine ?? 9) - wanted[place].cosine) < 1e-6)
            }
            #expect(Set(found.labels(of: sample)).count == perSample)
        }
    }

    @Test func `samples and centers of any length give the same labels`() {
        let long = Tensor(samples.values.map { $0 * 8 }, shape: samples.shape)
        let wide = Tensor(centers.values.map { $0 * 0.25 }, shape: centers.shape)
        let a = ClusterLabels(samples: samples, centers: centers, perSample: 4, threads: 1)
        let b = ClusterLabels(samples: long, centers: wide, perSample: 4, threads: 1)
        #expect(a.labels == b.labels)
    }

    @Test func `equally similar centers come lowest index first`() {
        let twins = Tensor([0, 1, 1, 0, 1, 0, 2, 0], shape: [4, 2])
        let found = ClusterLabels(
            samples: Tensor([3, 0], shape: [1, 2]), centers: twins, perSample: 3, threads: 1)
        #expect(found.labels == [1, 2, 3])
    }

    @Test func `the threshold variant keeps all that reach it and never none`() {
        let ragged = RaggedLabels(
            samples: samples, centers: centers, threshold: 0.95, threads: 2)
        #expect(ragged.offsets.count == 601 && ragged.offsets[0] == 0)
        for sample in 0..<600 {
            let wanted = ranked(sample)
            let clear = wanted.filter { $0.cosine > 0.95 + 1e-6 }.map { Int32($0.center) }
            let found = ragged.labels[ragged.offsets[sample]..<ragged.offsets[sample + 1]]
            #expect(found.count >= max(1, clear.count))
            #expect(Set(clear).isSubset(of: found))
            let none = wanted.filter { $0.cosine < 0.95 - 1e-6 }.map { Int32($0.center) }
            if found.count > 1 { #expect(Set(none).isDisjoint(with: found)) }
            #expect(found.first == Int32(wanted[0].center))
        }
    }

    @Test func `labels of a step are those in the columns of the smallest draws`() {
        let stored: [Int32] = [50, 40, 30, 20, 10]
        let chosen = chosenLabels(
            stored: stored[...], draws: [0.9, 0.2, 0.8, 0.1, 0.3], count: 3)
        #expect(chosen == [20, 40, 10])
    }

    @Test func `a report counts empty clusters and imbalance`() {
        let report = ClusterReport(counts: [6, 0, 2, 0])
        #expect(report.emptyCount == 2 && report.largest == 6 && report.sampleCount == 8)
        #expect(report.imbalance == 4 * 40.0 / 64)
        #expect(ClusterReport(counts: [3, 3, 3]).imbalance == 1)
        #expect(report.description.contains("2 empty"))
    }

    @Test func `a report counts clusters by size`() {
        let report = ClusterReport(counts: [6, 0, 2, 0, 1, 3, 4, 7, 8])
        #expect(report.occupancy == [2, 1, 2, 3, 1])
        #expect(
            report.occupancy.indices.map { ClusterReport.sizes(at: $0) }
                == [0...0, 1...1, 2...3, 4...7, 8...15])
    }
}

struct FeaturePreparationTests {
    @Test func `queries are centred by the mean of their bank`() {
        let bank = Tensor([1, 10, 3, 30, 5, 20], shape: [3, 2])
        let query = Tensor([4, 25], shape: [1, 2])
        let found = FeaturePreparation(centred: true, unitLength: false)
            .applied(to: query, centredLike: bank)
        #expect(found.values == [1, 5])
    }

    @Test func `centring takes the mean of every column away, then lengths become one`() {
        let x = Tensor([1, 10, 3, 30, 5, 20], shape: [3, 2])
        let centred = FeaturePreparation(centred: true, unitLength: false).applied(to: x)
        #expect(centred.values == [-2, -10, 0, 10, 2, 0])
        let unit = FeaturePreparation().applied(to: x)
        #expect(abs(unit.values[2]) < 1e-6 && abs(unit.values[3] - 1) < 1e-6)
        #expect(
            FeaturePreparation(centred: false, unitLength: false).applied(to: x).values
                == x.values)
    }
}

struct ClusteringStorageTests {
    private let path = NSTemporaryDirectory() + "/clustering-" + UUID().uuidString + ".safetensors"

    @Test func `a clustering comes back from its file bit by bit`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        let x = blobs(count: 200, dim: 5, clusters: 4)
        let settings = ClusteringSettings(clusterCount: 9, iterations: 3, labelsPerSample: 4)
        let made = try #require(try cluster(x, settings: settings, threads: 1))
        try made.write(to: path, source: "pixels")
        let (read, source) = try ClusteringResult.read(from: path)
        #expect(source == "pixels" && read.report == made.report)
        #expect(read.centers.isBitIdentical(to: made.centers))
        #expect(read.labels.labels == made.labels.labels)
        #expect(read.labels.similarities == made.labels.similarities)
        #expect(read.objectives == made.objectives)
    }

    @Test func `a label beyond the centers is refused`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        try SafetensorsFile.write(
            [
                SafetensorsEntry("centers", .f32(Tensor(zeros: [2, 3]))),
                SafetensorsEntry("labels", .i32([0, 2], dims: [1, 2])),
                SafetensorsEntry("similarities", .f32(Tensor(zeros: [1, 2]))),
                SafetensorsEntry("objectives", .f64([1])),
            ], to: path)
        #expect(throws: StorageError.self) { try ClusteringResult.read(from: path) }
    }
}
