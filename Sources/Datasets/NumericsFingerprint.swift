public import Identity

internal import Kernels
internal import Tensors

/// One digest of how this process computes: processes of equal digest give equal bits.
///
/// Recorded in a run and compared in Hello (design section 3). It covers every kernel on canary
/// inputs, random and plain views, and the order of samples.
public enum NumericsFingerprint {
    /// SHA-256 over the bits of the canaries, as little-endian words.
    public static func digest() -> Digest {
        var hasher = SHA256Hasher()
        hasher.update("pleiad numerics 1\n")
        hasher.update(bytes(NumericsCanary.words()))
        for views in canaryViews() {
            hasher.update(bytes(views.values.map(\.bitPattern)))
        }
        let sampler = StepSampler(count: 1009, batch: 64, slices: 3, dropLast: true, seed: 77)
        hasher.update(bytes(sampler.indices(step: 21).map { UInt32($0) }))
        return hasher.finalize()
    }

    /// Views of a small image: a crop, and resizes that shrink and grow it.
    private static func canaryViews() -> [Tensor] {
        let (channels, height, width, count) = (2, 19, 23, 3)
        let pixels = (0..<(count * channels * height * width)).map {
            UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13)
        }
        let set = ImageDataset(
            name: "canary", channels: channels, height: height, width: width, classCount: 1,
            pixels: pixels, labels: [0, 0, 0],
            statistics: ChannelStatistics(mean: [0.3, 0.5], deviation: [0.2, 0.4]),
            manifest: DataManifest(entries: []))
        let settings = ViewSettings(height: 17, width: 21)
        return [
            set.randomResizedCropFlip([2, 0], dataEpoch: 3, view: 1, seed: 5, settings: settings),
            set.plainViews([1], height: 9, width: 31),
        ]
    }

    private static func bytes(_ words: [UInt32]) -> [UInt8] {
        words.flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
        }
    }
}
