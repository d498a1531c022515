public import Datasets
internal import Kernels
public import Networks
public import Tensors
internal import Threads

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

    /// Pixels of a channel in a batch: 200 images of 28 x 28, as in the reference run.
    static let batchPixels = 200 * 28 * 28
    /// Images in a batch at least and at most.
    static let batchImages = 4...200

    /// An extractor of one version of a network.
    public init(network: EmbeddingNetwork, parameters: Tensor, buffers: Tensor, threads: Int) {
        self.network = network
        self.parameters = parameters
        self.buffers = buffers
        self.threads = threads
    }

    /// Features `[count, featureWidth]` and embeddings z `[count, D]` of all images.
    ///
    /// The whole images, resized where the network takes another size.
    public func callAsFunction(
        _ dataset: ImageDataset
    ) -> (features: Tensor, embeddings: Tensor) {
        let height = network.origin?.height ?? dataset.height
        let width = network.origin?.width ?? dataset.width
        return extracted(count: dataset.count, height: height, width: width) { range in
            dataset.plainViews(Array(range), height: height, width: width)
        }
    }

    /// Features `[count, featureWidth]` and embeddings z `[count, D]` of images that are ready.
    ///
    /// - Parameter images: `[count, channels, height, width]`, of the network's size.
    public func callAsFunction(
        images: Tensor
    ) -> (features: Tensor, embeddings: Tensor) {
        precondition(images.shape.rank == 4, "images of shape \(images.shape)")
        return extracted(
            count: images.shape[0], height: images.shape[2], width: images.shape[3]
        ) { images.rows($0) }
    }

    /// Runs over batches whose size follows from the images' size alone: bits of a product follow
    /// its shape, so it is no setting.
    private func extracted(
        count: Int, height: Int, width: Int,
        _ views: @escaping @Sendable (Range<Int>) -> Tensor
    ) -> (features: Tensor, embeddings: Tensor) {
        let size = min(
            max(Self.batchPixels / (height * width), Self.batchImages.lowerBound),
            Self.batchImages.upperBound)
        let parts = mapBlocks(count: (count + size - 1) / size, threads: threads) { batch in
            let range = batch * size..<min(count, (batch + 1) * size)
            return network.embed(views(range), parameters: parameters, buffers: buffers)
        }
        return (
            stacked(parts.map(\.features), rows: count, width: network.featureWidth),
            stacked(parts.map(\.embeddings), rows: count, width: network.embeddingWidth)
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
