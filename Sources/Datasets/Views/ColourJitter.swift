internal import Kernels
internal import Tensors

/// Random brightness and contrast of a view (torchvision's `ColorJitter` without saturation and
/// hue, which grey images do not have; sheet contrastive, section 4).
public struct ColourJitter: Hashable, Sendable {
    /// b: values are multiplied by a uniform factor from 1 - b to 1 + b.
    public var brightness: Float
    /// c: values are blended with the mean of the image's grey by a uniform factor from 1 - c to
    /// 1 + c.
    public var contrast: Float

    /// Views as they are.
    public static let none = ColourJitter(brightness: 0, contrast: 0)

    /// Jitter of these strengths, 0 to 1.
    public init(brightness: Float, contrast: Float) {
        precondition((0...1).contains(brightness), "brightness \(brightness)")
        precondition((0...1).contains(contrast), "contrast \(contrast)")
        self.brightness = brightness
        self.contrast = contrast
    }
}

/// What one view is changed by: a pure function of seed, data epoch, sample and view.
struct ColourChange: Equatable {
    /// What values are multiplied by.
    var brightness: Float
    /// What their distance from the mean is multiplied by.
    var contrast: Float
    /// Which of both comes first.
    var isContrastFirst: Bool

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
        isContrastFirst = random.uniform(at: 4 * view + 2) < 0.5
    }

    /// Changes an image whose values lie in 0...1; results are clipped to that after each change.
    ///
    /// - Parameter image: `[channels, height, width]`; the mean is that over all channels.
    @inline(never) @_lifetime(image: copy image)
    func apply(to image: inout MutableSpan<Float>) {
        if isContrastFirst { blend(&image) }
        Self.update(&image, times: brightness, plus: 0)
        if !isContrastFirst { blend(&image) }
    }

    @_lifetime(image: copy image)
    private func blend(_ image: inout MutableSpan<Float>) {
        let mean = Vector.sum(image.span) / Float(max(1, image.count))
        Self.update(&image, times: contrast, plus: (1 - contrast) * mean)
    }

    @_lifetime(image: copy image)
    private static func update(
        _ image: inout MutableSpan<Float>, times factor: Float, plus shift: Float
    ) {
        for index in 0..<image.count {
            let value = image[index] * factor + shift
            image[index] = value < 0 ? 0 : value > 1 ? 1 : value
        }
    }
}
