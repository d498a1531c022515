internal import Buffers
internal import Clustering
internal import Datasets
internal import Identity
internal import Storage
internal import Tensors

/// What is clustered: the pixels of the plain images, or features from a file.
struct MLCDFeatures {
    private let dataset: ImageDataset
    /// Features from a file `[n, d]`, one row an image; nil for pixels.
    private let given: Tensor?

    /// Reads the file of features where the settings name one.
    init(_ settings: MLCDClusteringSettings, dataset: ImageDataset) throws {
        self.dataset = dataset
        given = try settings.path.map { try Self.read($0, count: dataset.count) }
    }

    /// Identifies given features; nil for pixels, which the data set's digest identifies.
    var digest: Digest? { given.map(Self.digest) }

    /// Clusters all images and finds the q nearest centers of each.
    func clustered(
        _ settings: MLCDSettings, report: (_ fraction: Double, _ what: String) -> Void
    ) throws -> ClusteringResult {
        let clustering = settings.clustering
        let preparation = FeaturePreparation(centred: clustering.centered, unitLength: true)
        let samples = preparation.applied(to: given ?? Self.pixels(of: dataset))
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
            return true
        }
        guard let result else { preconditionFailure("a clustering that nobody stopped ended") }
        return result
    }

    /// Pixels in 0...1.
    private static func pixels(of dataset: ImageDataset) -> Tensor {
        var result = Tensor(uninitialized: [dataset.count, dataset.imageByteCount])
        var span = result.mutableSpan
        let pixels = dataset.pixels.span
        for index in 0..<span.count { span[index] = Float(pixels[index]) / 255 }
        return result
    }

    private static func read(_ path: String, count: Int) throws -> Tensor {
        let features: Tensor
        if path.hasSuffix(".npy") {
            features = try NPYFile.readMatrix(path)
        } else {
            let file = try SafetensorsFile(contentsOf: path)
            guard let name = file.names.first, file.names.count == 1 else {
                throw MLCDError.badFeatures(
                    path: path, problem: "\(file.names.count) arrays where one is expected")
            }
            features = try file.tensor(name)
        }
        guard features.shape.rank == 2, features.shape[0] == count else {
            throw MLCDError.badFeatures(
                path: path, problem: "shape \(features.shape) for \(count) images")
        }
        return features
    }

    private static func digest(of features: Tensor) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update("\(features.shape)")
        let start = features.byteOffset
        hasher.update(features.buffer.bytes.extracting(start..<(start + 4 * features.count)))
        return hasher.finalize()
    }
}
