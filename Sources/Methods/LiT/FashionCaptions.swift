internal import Datasets
internal import Tensors

/// Captions of Fashion-MNIST: the name of an image's class and what is measured of the image, in
/// one of several sentences.
///
/// A caption is drawn by seed, data epoch and image, so that it depends on neither worker nor
/// slice.
struct FashionCaptions: Sendable {
    /// The classes as captions name them.
    static let classNames = [
        "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot",
    ]
    /// Around an article, attributes and the name of the class.
    static let templates: [(before: String, after: String)] = [
        ("", ""), ("a photo of ", ""), ("a grey picture of ", ""), ("an image of ", " on black"),
        ("a catalogue picture of ", ""), ("we sell ", ""), ("this is ", ""), ("look at ", ""),
    ]

    /// The run's seed.
    let seed: UInt64

    /// A class in every sentence, without attributes: the prompts of zero-shot classification.
    static func prompts(of name: String) -> [String] {
        templates.map { $0.before + withArticle([name]) + $0.after }
    }

    /// The caption of an image in a data epoch.
    ///
    /// The sentence is drawn; so is, for each attribute of the image, whether it is named.
    func caption(of image: Int, in dataset: ImageDataset, dataEpoch: UInt64) -> String {
        let random = CounterRandom(
            seed: seed, stream: .caption, a: dataEpoch, b: UInt64(image))
        let template = Self.templates[random.integer(at: 0, below: Self.templates.count)]
        var words = FashionAttributes(of: image, in: dataset).words.enumerated()
            .filter { random.integer(at: 1 + $0.offset, below: 2) == 1 }
            .compactMap { $0.element }
        words.append(Self.classNames[dataset.label(image)])
        return template.before + Self.withArticle(words) + template.after
    }

    private static func withArticle(_ words: [String]) -> String {
        let phrase = words.joined(separator: " ")
        let begins = phrase.utf8.first.map { "aeiou".utf8.contains($0) } ?? false
        return (begins ? "an " : "a ") + phrase
    }
}

/// What is measured of an image: how bright its item is, how large, and of what form.
///
/// Limits lie near the outer thirds of the training images; what lies between has no word.
struct FashionAttributes: Hashable, Sendable {
    /// Mean of the pixels that are not black, 0...255.
    let tone: Double
    /// Share of pixels that are not black.
    let size: Double
    /// Height by width of the smallest box around them.
    let form: Double

    /// Measures image `index`, whose pixels are held, all channels together.
    init(of index: Int, in dataset: ImageDataset) {
        let (width, bytes) = (dataset.width, dataset.imageByteCount)
        let (pixels, start) = (dataset.pixels, dataset.pixelOffset(of: index))
        var (count, sum) = (0, 0)
        var (top, bottom, left, right) = (dataset.height, -1, width, -1)
        for place in 0..<bytes where pixels[start + place] > 0 {
            let (row, column) = (place / width % dataset.height, place % width)
            count += 1
            sum += Int(pixels[start + place])
            (top, bottom) = (min(top, row), max(bottom, row))
            (left, right) = (min(left, column), max(right, column))
        }
        tone = Double(sum) / Double(max(1, count))
        size = Double(count) / Double(bytes)
        form = count == 0 ? 1 : Double(bottom - top + 1) / Double(right - left + 1)
    }

    /// A word for each attribute that has one, always in this order: tone, size, form.
    var words: [String?] {
        [
            Self.word(tone, below: 126, "dark", above: 170, "bright"),
            Self.word(size, below: 0.4, "small", above: 0.59, "large"),
            Self.word(form, below: 0.86, "wide", above: 1.4, "tall"),
        ]
    }

    private static func word(
        _ value: Double, below low: Double, _ lowWord: String, above high: Double,
        _ highWord: String
    ) -> String? {
        value < low ? lowWord : value > high ? highWord : nil
    }
}
