internal import Clustering
internal import Datasets
internal import Identity
internal import Storage
internal import Tensors

/// The classes of every image, made once by clustering and kept in the state directory (MLCD
/// sheet, section 2.1).
///
/// Labels belong to the image, not to the crop.
struct MLCDLabels: Sendable {
    /// The file in a state directory.
    static let fileName = "labels.safetensors"

    /// The nearest centers of every image, most similar first.
    let labels: ClusterLabels
    /// Identifies settings and data that the labels follow from.
    let origin: Digest
    /// Identifies the labels themselves, as integers for a checkpoint.
    ///
    /// SHA-256 of them in order, four bytes each, the lowest first; made once, since every
    /// checkpoint has it.
    let digestWords: [Int64]
    /// How many labels of each sample reach the threshold, the nearest in any case; nil: there is
    /// no threshold.
    private let reaching: [UInt16]?
    /// Samples whose last label reaches the threshold though there are more centers: further ones
    /// might reach it, too.
    let cutShort: Int

    /// - Parameter threshold: the least cosine of a label; nil: all count.
    init(labels: ClusterLabels, origin: Digest, threshold: Double? = nil) {
        self.labels = labels
        self.origin = origin
        reaching = threshold.map { Self.reaching(Float($0), labels) }
        cutShort = threshold.map { Self.cutShort(Float($0), labels) } ?? 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * labels.labels.count)
        for label in labels.labels {
            let word = UInt32(bitPattern: label)
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift)))
            }
        }
        digestWords = sha256(bytes).littleEndianWords
    }

    /// q classes of a sample; those that reach the threshold, where there is one.
    func stored(of sample: Int) -> ArraySlice<Int32> {
        let all = labels.labels(of: sample)
        guard let reaching else { return all }
        return all.prefix(Int(reaching[sample]))
    }

    /// Of each sample how many labels reach the threshold, the most similar come first.
    private static func reaching(_ threshold: Float, _ labels: ClusterLabels) -> [UInt16] {
        let width = labels.perSample
        return (0..<labels.sampleCount).map { sample in
            let cosines = labels.similarities[(sample * width)..<((sample + 1) * width)]
            return UInt16(max(1, cosines.prefix { $0 >= threshold }.count))
        }
    }

    private static func cutShort(_ threshold: Float, _ labels: ClusterLabels) -> Int {
        let width = labels.perSample
        guard width < labels.clusterCount else { return 0 }
        return (0..<labels.sampleCount).count {
            labels.similarities[$0 * width + width - 1] >= threshold
        }
    }

    /// What labels of a file follow from: k, q, the images.
    ///
    /// Not the file, of which the state directory has a copy: later starts do without it.
    static func originOfFile(_ settings: MLCDSettings, dataset: ImageDataset) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(
            "centers \(settings.centers) stored \(settings.stored) labels of a file "
                + "images \(dataset.digest.hex)")
        return hasher.finalize()
    }

    /// What the labels follow from: the clustering's settings, k, q, the images, the features.
    static func origin(
        _ settings: MLCDSettings, clustering: MLCDClusteringSettings, dataset: ImageDataset,
        features: Digest?
    ) -> Digest {
        let clustered = features?.hex ?? "pixels/\(clustering.pooling)"
        var hasher = SHA256Hasher()
        hasher.update(
            "centers \(settings.centers) stored \(settings.stored) "
                + "spherical \(clustering.spherical) centered \(clustering.centered) "
                + "iterations \(clustering.iterations) seed \(clustering.seed) "
                + "features \(clustered) images \(dataset.digest.hex)")
        return hasher.finalize()
    }

    /// The labels in the state directory; nil if there are none, or they follow from something
    /// else.
    static func load(
        directory: String, origin: Digest, settings: MLCDSettings, count: Int
    ) throws(StorageError) -> MLCDLabels? {
        let path = directory + "/" + fileName
        guard LocalFileSystem().exists(path) else { return nil }
        let (clustering, source) = try ClusteringResult.read(from: path)
        let labels = clustering.labels
        guard source == origin.hex, labels.sampleCount == count,
            labels.perSample == settings.stored, labels.clusterCount == settings.centers
        else { return nil }
        return MLCDLabels(labels: labels, origin: origin, threshold: settings.threshold)
    }

    /// The centers in the state directory `[k, d]`, at unit length.
    static func centers(directory: String) throws(StorageError) -> Tensor {
        try SafetensorsFile(contentsOf: directory + "/" + fileName).tensor("centers")
    }

    /// Reads a clustering that somebody has made of the images, with as many labels as are stored.
    ///
    /// - Throws: `MLCDError.wrongLabels` if it is one of other samples, or of other centers.
    static func clustering(
        of path: String, settings: MLCDSettings, count: Int
    ) throws -> ClusteringResult {
        let clustering = try ClusteringResult.read(from: path).result
        let labels = clustering.labels
        guard labels.sampleCount == count else {
            throw MLCDError.wrongLabels(
                file: path, problem: "labels \(labels.sampleCount) samples, the run has \(count)")
        }
        guard labels.clusterCount == settings.centers else {
            throw MLCDError.wrongLabels(
                file: path,
                problem: "has \(labels.clusterCount) centers, mlcd.centers is \(settings.centers)")
        }
        guard labels.perSample >= settings.stored else {
            throw MLCDError.wrongLabels(
                file: path,
                problem: "has \(labels.perSample) labels a sample, \(settings.stored) are wanted")
        }
        return clustering.keeping(labelsPerSample: settings.stored)
    }

    /// Writes a clustering to the state directory, with what it follows from.
    static func save(
        _ clustering: ClusteringResult, origin: Digest, directory: String
    ) throws(StorageError) {
        try clustering.write(to: directory + "/" + fileName, source: origin.hex)
    }
}
