public import Tensors

/// Something that gives a feature vector for every sample of a data set, for clustering and kNN.
public protocol FeatureSource: Sendable {
    /// Name in reports and in the record of what was clustered.
    var name: String { get }
    /// All features.
    ///
    /// - Returns: `[count, dim]`.
    /// - Throws: where they come from a file or a checkpoint that cannot be read.
    func features() throws -> Tensor
}

/// The pixels themselves, scaled to 0...1, as they are or averaged over squares.
public struct PixelFeatures: FeatureSource {
    private let dataset: ImageDataset
    /// Side of the squares that are averaged; 1 keeps every pixel.
    public let pooling: Int

    /// - Parameters:
    ///   - dataset: whose images.
    ///   - pooling: divides both sides of the images.
    public init(_ dataset: ImageDataset, pooling: Int = 1) {
        precondition(
            pooling > 0 && dataset.height.isMultiple(of: pooling)
                && dataset.width.isMultiple(of: pooling),
            "squares of \(pooling) in images of \(dataset.height) x \(dataset.width)")
        self.dataset = dataset
        self.pooling = pooling
    }

    /// `pixels`, or `pixels/2` for squares of two.
    public var name: String { pooling == 1 ? "pixels" : "pixels/\(pooling)" }

    /// `[count, channels * height/pooling * width/pooling]`, in the order of the pixels.
    public func features() -> Tensor {
        let planes = dataset.count * dataset.channels
        let (height, width) = (dataset.height / pooling, dataset.width / pooling)
        var result = Tensor(
            uninitialized: [dataset.count, dataset.channels * height * width])
        var output = result.mutableSpan
        let pixels = dataset.pixels.span
        let whole = Float(255 * pooling * pooling)
        for plane in 0..<planes {
            for row in 0..<height {
                for column in 0..<width {
                    var sum = 0
                    for inner in 0..<pooling {
                        let line = (plane * height + row) * pooling + inner
                        let at = (line * width + column) * pooling
                        for pixel in at..<(at + pooling) { sum += Int(pixels[pixel]) }
                    }
                    output[(plane * height + row) * width + column] = Float(sum) / whole
                }
            }
        }
        return result
    }
}
