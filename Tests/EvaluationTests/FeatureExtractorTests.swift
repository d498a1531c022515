import Datasets
import Evaluation
import Foundation
import Networks
import Storage
import Tensors
import Testing

struct FeatureExtractorTests {
    private let dataset = ImageDataset(
        name: "synthetic", channels: 1, height: 28, width: 28, classCount: 2,
        pixels: (0..<(450 * 784)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) },
        labels: (0..<450).map { UInt8($0 % 2) },
        statistics: ChannelStatistics(mean: [0.286], deviation: [0.353]),
        manifest: DataManifest(entries: []))

    private func extractor(threads: Int) -> FeatureExtractor {
        let network = EmbeddingNetwork(
            .smallConvolutionalNet(), channels: 1, height: 28, width: 28, embeddingWidth: 16)
        return FeatureExtractor(
            network: network, parameters: network.layout.initialised(seed: 3),
            buffers: network.layout.initialisedBuffers(), threads: threads)
    }

    @Test func `features of all images, the same bits for any number of threads`() {
        let (one, two) = (extractor(threads: 1)(dataset), extractor(threads: 3)(dataset))
        #expect(one.features.shape == [450, 128] && one.embeddings.shape == [450, 16])
        #expect(one.features.isBitIdentical(to: two.features))
        #expect(one.embeddings.isBitIdentical(to: two.embeddings))
    }

    @Test func `an image's features are those that the network gives it in its batch`() {
        let extractor = extractor(threads: 1)
        let all = extractor(dataset)
        let batch = extractor.network.embed(
            dataset.plainViews(Array(200..<400)), parameters: extractor.parameters,
            buffers: extractor.buffers)
        #expect(all.features.rows(200..<400).isBitIdentical(to: batch.features))
    }

    @Test func `batches that are embedded one by one give the same bits as all together`() {
        let extractor = extractor(threads: 2)
        let all = extractor(dataset)
        let batches = extractor.batches(of: dataset)
        #expect(batches == [0..<200, 200..<400, 400..<450])
        for batch in batches {
            let part = extractor.embedded(batch, of: dataset)
            #expect(part.features.isBitIdentical(to: all.features.rows(batch)))
            #expect(part.embeddings.isBitIdentical(to: all.embeddings.rows(batch)))
        }
    }

    @Test func `features of mirror images are those of images that were turned round`() {
        let turned = ImageDataset(
            name: "turned", channels: 1, height: 28, width: 28, classCount: 2,
            pixels: (0..<(450 * 28)).flatMap {
                dataset.pixels[(28 * $0)..<(28 * $0 + 28)].reversed()
            },
            labels: dataset.labels, statistics: dataset.statistics, manifest: dataset.manifest)
        let extractor = extractor(threads: 2)
        let mirrored = extractor.mirrored(dataset)
        #expect(mirrored.isBitIdentical(to: extractor(turned).features))
        #expect(!mirrored.isBitIdentical(to: extractor(dataset).features))
    }

    @Test func `features from files are checked against the data set`() throws {
        let path = NSTemporaryDirectory() + "/features-" + UUID().uuidString + ".npy"
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        try NPYFile.write(Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2]), to: path)
        #expect(try FileFeatures(path: path, expectedCount: 3).features().shape == [3, 2])
        #expect(throws: StorageError.self) {
            try FileFeatures(path: path, expectedCount: 4).features()
        }
    }
}

struct RepresentationProtocolTests {
    @Test func `both protocols tell classes apart and follow their settings`() {
        let bank = labelledPoints(count: 900, dim: 12, classes: 4, spread: 1, seed: 8)
        let queries = labelledPoints(count: 200, dim: 12, classes: 4, spread: 1, seed: 9)
        var settings = RepresentationProtocol()
        let near = settings.nearestNeighbours(
            bank: bank, queries: queries, classCount: 4, threads: 2)
        let linear = settings.linear(bank: bank, queries: queries, classCount: 4, threads: 2)
        #expect(near > 0.85 && linear > 0.85)
        settings.linearSamples = 8
        #expect(settings.linear(bank: bank, queries: queries, classCount: 4, threads: 1) < linear)
    }
}
