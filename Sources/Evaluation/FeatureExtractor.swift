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
        extracted(batches(of: dataset), count: dataset.count) { embedded($0, of: dataset) }
    }

    /// Features `[count, featureWidth]` of the mirror images of all images.
    public func mirrored(_ dataset: ImageDataset) -> Tensor {
        extracted(batches(of: dataset), count: dataset.count) {
            embedded($0, of: dataset, mirrored: true)
        }.features
    }

    /// The runs of images in which a data set is embedded.
    public func batches(of dataset: ImageDataset) -> [Range<Int>] {
        let (height, width) = viewSize(of: dataset)
        return Self.batches(count: dataset.count, height: height, width: width)
    }

    /// Features and embeddings z of one batch, for who need not hold all: the same bits as among
    /// all images.
    ///
    /// - Parameters:
    ///   - batch: one of `batches`.
    ///   - mirrored: whether left and right change places.
    @inline(never)
    public func embedded(
        _ batch: Range<Int>, of dataset: ImageDataset, mirrored: Bool = false
    ) -> (features: Tensor, embeddings: Tensor) {
        let (height, width) = viewSize(of: dataset)
        return network.embed(
            dataset.plainViews(Array(batch), height: height, width: width, mirrored: mirrored),
            parameters: parameters, buffers: buffers)
    }

    /// Features and embeddings z of one random view of every image, the network being in
    /// evaluation.
    ///
    /// - Parameters:
    ///   - view: its number, where several views of an image are compared.
    ///   - seed: of the draws.
    ///   - settings: of the views, which have the network's size.
    public func callAsFunction(
        view: Int, of dataset: ImageDataset, seed: UInt64, settings: ViewSettings
    ) -> (features: Tensor, embeddings: Tensor) {
        let batches = Self.batches(
            count: dataset.count, height: settings.height, width: settings.width)
        return extracted(batches, count: dataset.count) { batch in
            network.embed(
                dataset.randomResizedCropFlip(
                    Array(batch), dataEpoch: 0, view: view, seed: seed, settings: settings),
                parameters: parameters, buffers: buffers)
        }
    }

    private func viewSize(of dataset: ImageDataset) -> (height: Int, width: Int) {
        (network.origin?.height ?? dataset.height, network.origin?.width ?? dataset.width)
    }

    private static func batches(count: Int, height: Int, width: Int) -> [Range<Int>] {
        let size = min(
            max(batchPixels / (height * width), batchImages.lowerBound), batchImages.upperBound)
        return stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
    }

    /// Features `[count, featureWidth]` and embeddings z `[count, D]` of images that are ready.
    ///
    /// - Parameter images: `[count, channels, height, width]`, of the network's size.
    public func callAsFunction(
        images: Tensor
    ) -> (features: Tensor, embeddings: Tensor) {
        precondition(images.shape.rank == 4, "images of shape \(images.shape)")
        let batches = Self.batches(
            count: images.shape[0], height: images.shape[2], width: images.shape[3])
        return extracted(batches, count: images.shape[0]) {
            network.embed(images.rows($0), parameters: parameters, buffers: buffers)
        }
    }

    /// Runs over batches whose size follows from the images' size alone: bits of a product follow
    /// its shape, so it is no setting.
    private func extracted(
        _ batches: [Range<Int>], count: Int,
        _ embedded: @escaping @Sendable (Range<Int>) -> (features: Tensor, embeddings: Tensor)
    ) -> (features: Tensor, embeddings: Tensor) {
        let parts = mapBlocks(count: batches.count, threads: threads) { embedded(batches[$0]) }
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
