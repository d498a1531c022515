import Datasets
import Networks
import Tensors
import Testing

@testable import Methods

/// Captions and their tokens.
@Suite struct FashionCaptionsTests {
    private static let images = LiTHarness.images

    /// One image: a box of one brightness on black.
    private func box(rows: Range<Int>, columns: Range<Int>, value: UInt8) -> FashionAttributes {
        let pixels = (0..<784).map { place in
            rows.contains(place / 28) && columns.contains(place % 28) ? value : 0
        }
        let dataset = ImageDataset(
            name: "box", channels: 1, height: 28, width: 28, classCount: 1, pixels: pixels,
            labels: [0], statistics: ChannelStatistics(mean: [0], deviation: [1]),
            manifest: DataManifest(entries: []))
        return FashionAttributes(of: 0, in: dataset)
    }

    @Test func `attributes are what the pixels say`() {
        let large = box(rows: 0..<28, columns: 2..<26, value: 200)
        #expect(large.tone == 200 && large.size == 24.0 / 28 && large.form == 28.0 / 24)
        #expect(large.words == ["bright", "large", nil])
        let small = box(rows: 10..<14, columns: 3..<25, value: 60)
        #expect(small.words == ["dark", "small", "wide"])
        #expect(box(rows: 1..<28, columns: 8..<20, value: 150).words == [nil, nil, "tall"])
        let nothing = box(rows: 0..<0, columns: 0..<0, value: 9)
        #expect(nothing.tone == 0 && nothing.size == 0 && nothing.form == 1)
    }

    @Test func `a caption names the class, and of the image's attributes only its own`() {
        let captions = FashionCaptions(seed: 1)
        let every = Set(["dark", "bright", "small", "large", "wide", "tall"])
        var named: Set<String> = []
        for image in 0..<LiTHarness.count {
            let name = FashionCaptions.classNames[image % 10]
            let own = FashionAttributes(of: image, in: Self.images).words.compactMap { $0 }
            for epoch in 0..<8 {
                let text = captions.caption(
                    of: image, in: Self.images, dataEpoch: UInt64(epoch))
                #expect(text.contains(name), "\(text)")
                let words = Set(text.split(separator: " ").map(String.init))
                #expect(words.intersection(every).isSubset(of: own), "\(text)")
                #expect(!text.contains("a ankle") && !text.contains("an bag"), "\(text)")
                named.formUnion(words.intersection(every))
            }
        }
        #expect(named.count > 2)
    }

    @Test func `captions follow from seed, epoch and image`() {
        func all(seed: UInt64, epoch: UInt64) -> [String] {
            (0..<LiTHarness.count).map {
                FashionCaptions(seed: seed).caption(of: $0, in: Self.images, dataEpoch: epoch)
            }
        }
        #expect(all(seed: 1, epoch: 0) == all(seed: 1, epoch: 0))
        #expect(all(seed: 1, epoch: 0) != all(seed: 1, epoch: 1))
        #expect(all(seed: 1, epoch: 0) != all(seed: 2, epoch: 0))
    }

    @Test func `a worker that holds a part of the images makes the same captions`() {
        let part = Self.images.holding([3..<7, 20..<31])
        let captions = FashionCaptions(seed: 1)
        for image in [3, 6, 20, 30] {
            #expect(
                captions.caption(of: image, in: part, dataEpoch: 2)
                    == captions.caption(of: image, in: Self.images, dataEpoch: 2))
            #expect(
                FashionAttributes(of: image, in: part)
                    == FashionAttributes(of: image, in: Self.images))
        }
    }

    @Test func `the longest caption fits into the default context`() {
        let attributes = "bright large wide "
        let longest =
            FashionCaptions.classNames.flatMap { name in
                FashionCaptions.templates.map { $0.before + "an " + attributes + name + $0.after }
            }.map(\.utf8.count).max() ?? 0
        #expect(longest > 40 && longest <= ByteTokens(context: 64).bytesMax)
    }

    @Test func `prompts are the sentences without attributes`() {
        let prompts = FashionCaptions.prompts(of: "ankle boot")
        #expect(prompts.count == FashionCaptions.templates.count)
        #expect(Set(prompts).count == prompts.count)
        #expect(prompts.prefix(2) == ["an ankle boot", "a photo of an ankle boot"])
        #expect(FashionCaptions.prompts(of: "bag").first == "a bag")
        #expect(FashionCaptions.classNames.count == 10)
    }

    @Test func `tokens are bytes between begin and end, padded or cut`() {
        let tokens = ByteTokens(context: 8)
        let texts = tokens.sequences(of: ["ab", "", "Größe", "abcdefghij"])
        func sequence(_ text: Int) -> [Int] { Array(texts.tokens[(8 * text)..<(8 * text + 8)]) }
        #expect(sequence(0) == [256, 97, 98, 257, 258, 258, 258, 258])
        #expect(sequence(1) == [256, 257] + Array(repeating: 258, count: 6))
        #expect(sequence(2) == [256, 71, 114, 0xC3, 0xB6, 0xC3, 0x9F, 257])
        #expect(sequence(3) == [256, 97, 98, 99, 100, 101, 102, 257])
        #expect(texts.ends == [3, 1, 7, 7] && texts.count == 4)
        #expect(texts[1..<3].ends == [1, 7])
    }
}
