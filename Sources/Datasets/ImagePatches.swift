internal import Identity
internal import Tensors

/// Square patches at random places of random images: real images in any number.
public struct ImagePatches: Hashable, Sendable {
    /// Rows and columns of a patch.
    public var side: Int
    /// Patches; the same image and place may be drawn twice.
    public var count: Int
    /// Decides images and places.
    public var seed: UInt64

    /// Patches of this size and number.
    public init(side: Int, count: Int, seed: UInt64) {
        precondition(side > 0 && count >= 0, "\(count) patches of side \(side)")
        self.side = side
        self.count = count
        self.seed = seed
    }

    /// Such as `200000 patches 16 x 16, seed 0`.
    public var name: String { "\(count) patches \(side) x \(side), seed \(seed)" }
}

extension ImageDataset {
    /// Patches of these images, each with the label of the image that it is cut from.
    ///
    /// - Precondition: a patch is no larger than an image.
    public func patches(_ wanted: ImagePatches) -> ImageDataset {
        let side = wanted.side
        precondition(
            side <= min(height, width), "patches of side \(side) from \(height) x \(width)")
        let random = CounterRandom(seed: wanted.seed, stream: .patch)
        let patchBytes = channels * side * side
        var labels = [UInt8](repeating: 0, count: wanted.count)
        var cut = [UInt8](repeating: 0, count: wanted.count * patchBytes)
        var output = cut.mutableSpan
        let source = pixels.span
        var place = 0
        for patch in 0..<wanted.count {
            let image = random.integer(at: 4 * patch, below: count)
            let top = random.integer(at: 4 * patch + 1, below: height - side + 1)
            let left = random.integer(at: 4 * patch + 2, below: width - side + 1)
            labels[patch] = self.labels[image]
            for channel in 0..<channels {
                for row in top..<(top + side) {
                    let line = ((image * channels + channel) * height + row) * width
                    for column in left..<(left + side) {
                        output[place] = source[line + column]
                        place += 1
                    }
                }
            }
        }
        let part = DataManifest.Entry(
            name: wanted.name, byteCount: cut.count, digest: sha256(cut))
        return ImageDataset(
            name: name + "/patches", channels: channels, height: side, width: side,
            classCount: classCount, pixels: cut, labels: labels, statistics: statistics,
            manifest: DataManifest(entries: manifest.entries + [part]))
    }
}
