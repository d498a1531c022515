public import Datasets
public import Storage
public import Tensors

/// Features from a file: a `.npy` matrix, or a tensor of a safetensors file.
public struct FileFeatures: FeatureSource {
    /// The file.
    public let path: String
    /// The tensor of a safetensors file; by default `features`, or the only one there is.
    public let tensor: String?
    private let expectedCount: Int?

    /// - Parameters:
    ///   - path: ends in `.npy` or `.safetensors`.
    ///   - tensor: name within a safetensors file.
    ///   - expectedCount: rows that the features must have, such as the data set's count.
    public init(path: String, tensor: String? = nil, expectedCount: Int? = nil) {
        self.path = path
        self.tensor = tensor
        self.expectedCount = expectedCount
    }

    /// The path, and the tensor's name if one was given.
    public var name: String { tensor.map { "\(path):\($0)" } ?? path }

    /// `[count, dim]`; throws `StorageError` naming file and reason.
    public func features() throws(StorageError) -> Tensor {
        let matrix = try read()
        guard matrix.shape.rank == 2, matrix.shape[0] > 0, matrix.shape[1] > 0 else {
            throw .malformed(
                path: path, reason: "has the shape \(matrix.shape), [samples, dim] is needed")
        }
        if let expectedCount, matrix.shape[0] != expectedCount {
            throw .malformed(
                path: path,
                reason: "has features of \(matrix.shape[0]) samples, the data set has "
                    + "\(expectedCount)")
        }
        return matrix
    }

    private func read() throws(StorageError) -> Tensor {
        guard path.hasSuffix(".safetensors") else { return try NPYFile.readMatrix(path) }
        let file = try SafetensorsFile(contentsOf: path)
        if let tensor { return try file.tensor(tensor) }
        guard file.names.count == 1, let only = file.names.first else {
            return try file.tensor("features")
        }
        return try file.tensor(only)
    }
}

/// Features of a trained network: its pooled features, or its embeddings z.
public struct EncoderFeatures: FeatureSource {
    private let extractor: FeatureExtractor
    private let dataset: ImageDataset
    private let embeddings: Bool

    /// - Parameters:
    ///   - extractor: the network with its parameters.
    ///   - dataset: whose plain images.
    ///   - embeddings: z rather than the pooled features.
    public init(_ extractor: FeatureExtractor, dataset: ImageDataset, embeddings: Bool = false) {
        self.extractor = extractor
        self.dataset = dataset
        self.embeddings = embeddings
    }

    /// `encoder` or `embeddings`.
    public var name: String { embeddings ? "embeddings" : "encoder" }

    /// `[count, featureWidth]` or `[count, D]`.
    public func features() -> Tensor {
        let both = extractor(dataset)
        return embeddings ? both.embeddings : both.features
    }
}
