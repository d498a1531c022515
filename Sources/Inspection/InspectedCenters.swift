internal import Identity
public import Clustering
public import Datasets
public import Evaluation
public import Methods
internal import Networks
public import Storage
public import Tables
public import Tensors

/// The centers of a run at one of its checkpoints: the table, which stays on disk, and which
/// samples belong to which center.
public struct InspectedCenters: Sendable {
    /// The table.
    public let table: StoredCenterTable
    /// Every sample's centers by the clustering, which the run learns to tell apart.
    public let labels: StoredLabels
    /// Samples whose first label is a center, for each center.
    public let firstCounts: [Int]
    /// Samples that have a center among their labels, for each center.
    public let allCounts: [Int]

    /// Opens table and labels.
    ///
    /// - Parameters:
    ///   - method: the run's.
    ///   - tables: the file of tables in a checkpoint.
    ///   - directory: the run's state directory.
    public init(
        of method: any Method, tables: StreamedSafetensors, directory: String,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(InspectionError) {
        guard let files = method.centers else {
            throw .noCenters(method: type(of: method).name)
        }
        let path = "\(directory)/\(files.labels)"
        let isTheirs: Bool
        do throws(StorageError) {
            table = try StoredCenterTable(
                tables, prefix: files.prefix, rowCount: files.rowCount, dim: files.dim)
            labels = try StoredLabels(
                StreamedSafetensors(path, fileSystem: fileSystem), clusterCount: files.rowCount)
            let words = try tables.byteCount(of: files.labelsDigest) / 8
            isTheirs =
                try tables.integers(0..<words, of: files.labelsDigest)
                == labels.digest().littleEndianWords
            (firstCounts, allCounts) = try labels.counts()
        } catch {
            throw .file(error)
        }
        guard isTheirs else { throw .otherLabels(path: path) }
    }

    /// Samples by first label, as a clustering reports them.
    public var firstReport: ClusterReport { ClusterReport(counts: firstCounts) }

    /// Samples by all of their labels.
    public var allReport: ClusterReport { ClusterReport(counts: allCounts) }

    /// The labels of a sample, the most similar first.
    func labels(of sample: Int) throws(InspectionError) -> [Int] {
        do throws(StorageError) {
            return try labels.labels(of: sample..<(sample + 1)).map { Int($0) }
        } catch {
            throw .file(error)
        }
    }

    /// Whether images are as many as the run has labels of.
    ///
    /// - Throws: `InspectionError.otherData` if not.
    func check(_ images: ImageDataset) throws(InspectionError) {
        guard images.count == labels.sampleCount else {
            throw .otherData(
                name: images.name, images: images.count, labelled: labels.sampleCount)
        }
    }
}

/// Embeddings of single images at unit length, `[images.count, D]`: the same bits as among all.
///
/// - Throws: `InspectionError.noImage` if one is not there.
public func unitEmbeddings(
    of images: [Int], in dataset: ImageDataset, by extractor: FeatureExtractor
) throws(InspectionError) -> Tensor {
    var rows = Tensor(zeros: [0, extractor.network.embeddingWidth])
    for image in images {
        guard (0..<dataset.count).contains(image),
            let batch = extractor.batches(of: dataset).first(where: { $0.contains(image) })
        else { throw .noImage(image, of: dataset.name, count: dataset.count) }
        let place = image - batch.lowerBound
        let embeddings = extractor.embedded(batch, of: dataset).embeddings
        rows = rows.concatenatedRows(with: embeddings.rows(place..<(place + 1)))
    }
    return rows.unitRows()
}
