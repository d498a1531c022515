public import Tensors

/// Square patches cut from images at random places: as many real vectors as one wants.
public struct PatchFeatures: FeatureSource {
    private let dataset: ImageDataset
    /// Rows and columns of a patch.
    public let side: Int
    /// Patches.
    public let count: Int
    /// Decides images and places.
    public let seed: UInt64

    /// Patches of a data set; the same image and place may be drawn twice.
    ///
    /// - Parameter side: at most the images' height and width.
    public init(_ dataset: ImageDataset, side: Int, count: Int, seed: UInt64) {
        precondition(
            side > 0 && side <= min(dataset.height, dataset.width) && count >= 0,
            "\(count) patches of side \(side) from \(dataset.height) x \(dataset.width)")
        self.dataset = dataset
        self.side = side
        self.count = count
        self.seed = seed
    }

    /// Such as `200000 patches 16 x 16, seed 0`.
    public var name: String { "\(count) patches \(side) x \(side), seed \(seed)" }

    /// `[count, channels * side * side]`, pixels scaled to 0...1, in the order of the images'.
    public func features() -> Tensor {
        let random = CounterRandom(seed: seed, stream: .patch)
        let (height, width, channels) = (dataset.height, dataset.width, dataset.channels)
        let dim = channels * side * side
        var result = Tensor(uninitialized: [count, dim])
        var output = result.mutableSpan
        let pixels = dataset.pixels.span
        for patch in 0..<count {
            let image = random.integer(at: 4 * patch, below: dataset.count)
            let top = random.integer(at: 4 * patch + 1, below: height - side + 1)
            let left = random.integer(at: 4 * patch + 2, below: width - side + 1)
            var place = patch * dim
            for channel in 0..<channels {
                for row in top..<(top + side) {
                    let line = ((image * channels + channel) * height + row) * width
                    for column in left..<(left + side) {
                        output[place] = Float(pixels[line + column]) / 255
                        place += 1
                    }
                }
            }
        }
        return result
    }
}
