public import Datasets
internal import Kernels
public import Networks
public import Tensors

/// Runs a trained network over the plain images of a data set.
///
/// Batches have a fixed size and fixed members, so that no bit depends on the number of threads.
/// Blocks its thread: never call it from the cooperative pool.
public struct FeatureExtractor: Sendable {
    /// The network.
    public let network: EmbeddingNetwork
    /// Flat, `[layout.flatCount]`.
    public let parameters: Tensor
    /// Flat, `[layout.bufferLayout.flatCount]`.
    public let buffers: Tensor
    /// Without influence on any result.
    public let threads: Int

    /// Images in a batch: bits of a product follow its shape, so this is no setting.
    static let batchImages = 200

    /// An extractor of one version of a network.
    public init(network: EmbeddingNetwork, parameters: Tensor, buffers: Tensor, threads: Int) {
        self.network = network
        self.parameters = parameters
        self.buffers = buffers
        self.threads = threads
    }

    /// Features `[count, featureWidth]` and embeddings z `[count, D]` of all images.
    public func callAsFunction(
        _ dataset: ImageDataset
    ) -> (features: Tensor, embeddings: Tensor) {
        let batches = (dataset.count + Self.batchImages - 1) / Self.batchImages
        let parts = mapBlocks(count: batches, threads: threads) { batch in
            let first = batch * Self.batchImages
            let indices = Array(first..<min(dataset.count, first + Self.batchImages))
            return network.embed(
                dataset.plainViews(indices), parameters: parameters, buffers: buffers)
        }
        return (
            stacked(parts.map(\.features), rows: dataset.count, width: network.featureWidth),
            stacked(parts.map(\.embeddings), rows: dataset.count, width: network.embeddingWidth)
        )
    }
}

/// Matrices of equal width, one below the other.
private func stacked(_ parts: [Tensor], rows: Int, width: Int) -> Tensor {
    var result = Tensor(uninitialized: [rows, width])
    var output = result.mutableSpan
    var at = 0
    for part in parts {
        let values = part.span
        for place in 0..<part.count { output[at + place] = values[place] }
        at += part.count
    }
    precondition(at == rows * width, "\(at) of \(rows * width) values")
    return result
}
