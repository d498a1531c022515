internal import Kernels
internal import Tensors

/// Random colours of a view: torchvision's `ColorJitter`, `RandomApply` and `RandomGrayscale`
/// (sheet contrastive, section 4).
public struct ColourJitter: Hashable, Sendable {
    /// b: values are multiplied by a uniform factor from 1 - b to 1 + b.
    public var brightness: Float
    /// c: values are blended with the mean of the image's grey by a uniform factor from 1 - c to
    /// 1 + c.
    public var contrast: Float
    /// Pixels are blended with their grey by a uniform factor from 1 - s to 1 + s; of images of
    /// three channels.
    public var saturation: Float
    /// Hues are turned by a uniform share of the circle from -h to h; of images of three channels.
    public var hue: Float
    /// The probability that any of these is done.
    public var probability: Float
    /// The probability that an image of three channels becomes grey.
    public var greyProbability: Float

    /// Views as they are.
    public static let none = ColourJitter(brightness: 0, contrast: 0)

    /// Jitter of these strengths, 0 to 1, of hue 0 to 0.5.
    public init(
        brightness: Float, contrast: Float, saturation: Float = 0, hue: Float = 0,
        probability: Float = 1, greyProbability: Float = 0
    ) {
        precondition((0...1).contains(brightness), "brightness \(brightness)")
        precondition((0...1).contains(contrast), "contrast \(contrast)")
        precondition((0...1).contains(saturation), "saturation \(saturation)")
        precondition((0...0.5).contains(hue), "hue \(hue)")
        precondition((0...1).contains(probability), "probability \(probability)")
        precondition((0...1).contains(greyProbability), "grey probability \(greyProbability)")
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability
        self.greyProbability = greyProbability
    }
}

/// What one view is changed by: a pure function of seed, data epoch, sample and view.
struct ColourChange: Equatable {
    /// One of the changes.
    enum Step: Equatable {
        case brightness, contrast, saturation, hue
    }

    /// What values are multiplied by.
    var brightness: Float
    /// What their distance from the mean grey is multiplied by.
    var contrast: Float
    /// What their distance from their pixel's grey is multiplied by.
    var saturation: Float = 1
    /// By what share of the circle hues are turned.
    var hue: Float = 0
    /// The order of the changes; empty if none is made.
    var steps: [Step]
    /// Whether the image becomes grey at the end.
    var isGrey = false

    /// Places of the stream from which numbers are drawn that came after the first three.
    private static let laterPlaces = 1 << 20
    private static let orderPlaces = 1 << 22

    init(
        _ jitter: ColourJitter, seed: UInt64, dataEpoch: Int, sample: Int, view: Int
    ) {
        let random = CounterRandom(
            seed: seed, stream: .colour, a: UInt64(dataEpoch), b: UInt64(sample))
        // Four numbers a view, of which three are drawn.
        func factor(_ strength: Float, _ place: Int) -> Float {
            1 - strength + 2 * strength * random.uniform(at: 4 * view + place)
        }
        brightness = factor(jitter.brightness, 0)
        contrast = factor(jitter.contrast, 1)
        let isContrastFirst = random.uniform(at: 4 * view + 2) < 0.5
        steps = isContrastFirst ? [.contrast, .brightness] : [.brightness, .contrast]
        func later(_ place: Int) -> Float {
            random.uniform(at: Self.laterPlaces + 4 * view + place)
        }
        // Each of the 24 orders is as likely as any other.
        func order(_ place: Int, below bound: Int) -> Int {
            random.integer(at: Self.orderPlaces + 2 * view + place, below: bound)
        }
        if jitter.saturation > 0 {
            saturation = 1 - jitter.saturation + 2 * jitter.saturation * later(0)
            steps.insert(.saturation, at: order(0, below: steps.count + 1))
        }
        if jitter.hue > 0 {
            hue = jitter.hue * (2 * later(1) - 1)
            steps.insert(.hue, at: order(1, below: steps.count + 1))
        }
        if later(2) >= jitter.probability { steps = [] }
        isGrey = later(3) < jitter.greyProbability
    }

    /// Changes an image whose values lie in 0...1; results are clipped to that after each change.
    ///
    /// - Parameter image: `[channels, height, width]`.
    @inline(never) @_lifetime(image: copy image)
    func apply(to image: inout MutableSpan<Float>, channels: Int) {
        for step in steps {
            switch step {
            case .brightness: Self.update(&image, times: brightness, plus: 0)
            case .contrast:
                let mean = Self.meanGrey(image.span, channels: channels)
                Self.update(&image, times: contrast, plus: (1 - contrast) * mean)
            case .saturation where channels == 3: Self.blendWithGrey(&image, factor: saturation)
            case .hue where channels == 3: Self.turnHues(&image, by: hue)
            case .saturation, .hue: break
            }
        }
        if isGrey, channels == 3 { Self.blendWithGrey(&image, factor: 0) }
    }

    @_lifetime(image: copy image)
    private static func update(
        _ image: inout MutableSpan<Float>, times factor: Float, plus shift: Float
    ) {
        for index in 0..<image.count { image[index] = clipped(image[index] * factor + shift) }
    }
}

/// Colours of images of three channels, whose grey is 0.2989 R + 0.587 G + 0.114 B (torchvision's
/// `rgb_to_grayscale`).
extension ColourChange {
    /// The mean of the image's grey; of other than three channels the mean over all channels.
    private static func meanGrey(_ image: Span<Float>, channels: Int) -> Float {
        guard channels == 3 else { return Vector.sum(image) / Float(max(1, image.count)) }
        let plane = image.count / 3
        let sums = (0..<3).map { channel in
            Vector.sum(image.extracting((channel * plane)..<((channel + 1) * plane)))
        }
        return grey(sums[0], sums[1], sums[2]) / Float(max(1, plane))
    }

    private static func grey(_ red: Float, _ green: Float, _ blue: Float) -> Float {
        0.2989 * red + 0.587 * green + 0.114 * blue
    }

    @_lifetime(image: copy image)
    private static func blendWithGrey(_ image: inout MutableSpan<Float>, factor: Float) {
        let plane = image.count / 3
        for pixel in 0..<plane {
            let grey = grey(image[pixel], image[plane + pixel], image[2 * plane + pixel])
            for channel in 0..<3 {
                let place = channel * plane + pixel
                image[place] = clipped(factor * image[place] + (1 - factor) * grey)
            }
        }
    }

    /// Turns hues in HSV, where value and saturation stay.
    @_lifetime(image: copy image)
    private static func turnHues(_ image: inout MutableSpan<Float>, by turn: Float) {
        let plane = image.count / 3
        for pixel in 0..<plane {
            let (r, g, b) = (image[pixel], image[plane + pixel], image[2 * plane + pixel])
            let (value, least) = (max(r, g, b), min(r, g, b))
            let chroma = value - least
            guard chroma > 0 else { continue }
            // In sixths of the circle, from red.
            var hue =
                value == r
                ? (g - b) / chroma
                : value == g
                    ? 2 + (b - r) / chroma
                    : 4 + (r - g) / chroma
            hue += 6 * turn
            hue -= 6 * (hue / 6).rounded(.down)
            func channel(_ offset: Float) -> Float {
                var k = offset + hue
                if k >= 6 { k -= 6 }
                return value - chroma * max(0, min(k, 4 - k, 1))
            }
            image[pixel] = clipped(channel(5))
            image[plane + pixel] = clipped(channel(3))
            image[2 * plane + pixel] = clipped(channel(1))
        }
    }

    private static func clipped(_ value: Float) -> Float { value < 0 ? 0 : value > 1 ? 1 : value }
}
