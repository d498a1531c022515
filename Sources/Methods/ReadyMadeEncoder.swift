public import Datasets
public import Evaluation
public import Networks
internal import Tensors

/// An encoder that others have trained, with its weights from a file: for features without a run.
public struct ReadyMadeEncoder: Sendable {
    /// How the values of an image are scaled before the encoder sees them.
    public enum Normalisation: String, Sendable, Hashable, CaseIterable {
        /// Mean 0.5 and deviation 0.5: timm's transformers trained by Google's recipe.
        case half
        /// Mean and deviation of ImageNet's channels: torchvision, DeiT, DINO.
        case imagenet

        /// Means and deviations of three channels (timm's `IMAGENET_DEFAULT_MEAN` and kin).
        var statistics: ChannelStatistics {
            switch self {
            case .half:
                ChannelStatistics(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
            case .imagenet:
                ChannelStatistics(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
            }
        }
    }

    /// What there is, in the order of the documentation.
    public static var names: [String] { KnownEncoder.allCases.map(\.rawValue) }

    /// Which encoder it is.
    public let known: KnownEncoder
    /// The encoder, without a head.
    public let network: EmbeddingNetwork
    private let parameters: Tensor
    private let buffers: Tensor

    /// The encoder of this name with the weights of a file.
    ///
    /// - Throws: `WeightFileError` if there is no such encoder or the file cannot be used for it.
    public init(named name: String, weights path: String) throws(WeightFileError) {
        guard let known = KnownEncoder(rawValue: name) else {
            throw .unknownEncoder(name: name, known: Self.names)
        }
        self.known = known
        network = known.network
        (parameters, buffers) = try WeightFile(contentsOf: path).weights(of: network.layout)
    }

    /// Runs it over images on so many threads, which decide no bit.
    public func extractor(threads: Int) -> FeatureExtractor {
        FeatureExtractor(
            network: network, parameters: parameters, buffers: buffers, threads: threads)
    }

    /// The images as the encoder wants them: grey ones on three channels, scaled.
    ///
    /// - Parameter normalisation: the encoder's usual one by default.
    public func inputs(
        of dataset: ImageDataset, _ normalisation: Normalisation? = nil
    ) -> ImageDataset {
        precondition([1, 3].contains(dataset.channels), "images of \(dataset.channels) channels")
        return ImageDataset(
            name: dataset.name, channels: known.channels, height: dataset.height,
            width: dataset.width, classCount: dataset.classCount, pixels: pixels(of: dataset),
            labels: dataset.labels,
            statistics: (normalisation ?? known.normalisation).statistics,
            manifest: dataset.manifest)
    }

    private func pixels(of dataset: ImageDataset) -> [UInt8] {
        guard dataset.channels < known.channels else { return dataset.pixels }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(known.channels * dataset.pixels.count)
        for index in 0..<dataset.count {
            let first = index * dataset.imageByteCount
            let image = dataset.pixels[first..<first + dataset.imageByteCount]
            for _ in 0..<known.channels { pixels += image }
        }
        return pixels
    }
}

extension KnownEncoder {
    /// How the weights that timm or torchvision offer under this name want their images.
    var normalisation: ReadyMadeEncoder.Normalisation {
        switch self {
        case .vitTiny, .vitSmall, .vitBase: .half
        case .resNet18, .resNet50: .imagenet
        }
    }
}
