internal import Buffers
internal import Clustering
internal import Datasets
internal import Evaluation
internal import Identity
internal import Tensors

/// What is clustered: the pixels of the plain images, or features from a file.
struct MLCDFeatures {
    private let clustering: MLCDClusteringSettings
    private let dataset: ImageDataset
    /// Features from a file `[n, d]`, one row an image; nil for pixels.
    private let given: Tensor?

    /// Reads the file of features where the settings name one.
    init(_ clustering: MLCDClusteringSettings, dataset: ImageDataset) throws {
        self.clustering = clustering
        self.dataset = dataset
        given = try clustering.path.map {
            try FileFeatures(path: $0, expectedCount: dataset.count).features()
        }
    }

    /// Identifies given features; nil for pixels, which the data set's digest identifies.
    var digest: Digest? { given.map(Self.digest) }

    /// Clusters all images and finds the q nearest centers of each.
    func clustered(
        _ settings: MLCDSettings, report: (_ fraction: Double, _ what: String) -> Void
    ) throws -> ClusteringResult {
        let preparation = FeaturePreparation(centred: clustering.centered, unitLength: true)
        let samples = preparation.applied(to: try features(clustering.pooling))
        let result = try cluster(
            samples,
            settings: ClusteringSettings(
                clusterCount: settings.centers, iterations: clustering.iterations,
                spherical: clustering.spherical, labelsPerSample: settings.stored,
                seed: clustering.seed),
            threads: MLCDCoordinator.threads
        ) { progress in
            report(
                // The search for labels costs about as much as one iteration more.
                Double(progress.iteration) / Double(progress.iterations + 1),
                "clustering \(samples.shape[0]) images into \(settings.centers) classes, "
                    + "iteration \(progress.iteration) of \(progress.iterations)")
            return !Task.isCancelled
        }
        guard let result else { throw MLCDError.clusteringStopped }
        return result
    }

    private func features(_ pooling: Int) throws(MLCDError) -> Tensor {
        if let given { return given }
        guard dataset.height % pooling == 0, dataset.width % pooling == 0 else {
            throw .badPooling(pooling, height: dataset.height, width: dataset.width)
        }
        return PixelFeatures(dataset, pooling: pooling).features()
    }

    private static func digest(of features: Tensor) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update("\(features.shape)")
        let start = features.byteOffset
        hasher.update(features.buffer.bytes.extracting(start..<(start + 4 * features.count)))
        return hasher.finalize()
    }
}
