import Datasets
import Identity
import Tensors
import Testing

@Suite struct ImagePatchesTests {
    /// Two images of two channels; every pixel's value says where it lies.
    private static let images = ImageDataset(
        name: "grid", channels: 2, height: 5, width: 6, classCount: 3,
        pixels: (0..<120).map { UInt8($0) }, labels: [1, 2],
        statistics: ChannelStatistics(mean: [0.5, 0.5], deviation: [0.3, 0.3]),
        manifest: DataManifest(entries: []))

    @Test func `a patch is a square of one image, with its label`() {
        let patches = Self.images.patches(ImagePatches(side: 3, count: 600, seed: 4))
        #expect(patches.count == 600 && patches.channels == 2)
        #expect(patches.height == 3 && patches.width == 3 && patches.classCount == 3)
        var starts: Set<Int> = []
        for patch in 0..<600 {
            let pixels = patches.pixels[(patch * 18)..<((patch + 1) * 18)].map { Int($0) }
            let first = pixels[0]
            starts.insert(first)
            let expected = (0..<18).map { first + $0 / 9 * 30 + $0 % 9 / 3 * 6 + $0 % 3 }
            #expect(pixels == expected)
            #expect(patches.label(patch) == (first < 60 ? 1 : 2))
        }
        // Every place of both images: 3 x 4 each.
        #expect(starts.count == 24)
    }

    @Test func `seed, size and number decide them`() {
        func digest(_ side: Int, _ count: Int, _ seed: UInt64) -> String {
            let wanted = ImagePatches(side: side, count: count, seed: seed)
            return Self.images.patches(wanted).digest.hex
        }
        #expect(digest(3, 50, 4) == digest(3, 50, 4))
        let all = [digest(3, 50, 4), digest(3, 50, 5), digest(3, 51, 4), digest(2, 50, 4)]
        #expect(Set(all).count == 4)
    }

    @Test func `their pixels are features of as many rows`() {
        let patches = Self.images.patches(ImagePatches(side: 2, count: 7, seed: 0))
        let features = PixelFeatures(patches).features()
        #expect(features.shape == [7, 8])
        #expect(features.values == patches.pixels.map { Float($0) / 255 })
    }
}
