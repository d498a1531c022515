internal import Datasets
internal import RunFiles

/// Reads the section `views`: one random crop with flip of each image, as other methods take it,
/// its colours and a blur (sheet contrastive, section 4).
///
/// Further keys: `brightness`, `contrast`, `saturation`, `hue`, the strengths of the jitter;
/// `jitter`, its probability; `grayscale` and `blur`, those of a grey and of a blurred view;
/// `blurSigma`, the blur's deviation in pixels. Grey images have no saturation, hue or grayscale.
func contrastiveViews(from section: Section) -> ViewSettings {
    var views = viewSettings(from: section)
    func strength(_ key: String, upTo limit: Double = 1, default fallback: Double = 0) -> Float {
        Float(section.float(key, in: 0...limit, default: fallback, .later))
    }
    views.jitter = ColourJitter(
        brightness: Float(section.float("brightness", in: 0...1, default: 0)),
        contrast: Float(section.float("contrast", in: 0...1, default: 0)),
        saturation: strength("saturation"), hue: strength("hue", upTo: 0.5),
        probability: strength("jitter", default: 1), greyProbability: strength("grayscale"))
    let sigma = section.interval("blurSigma", in: 0.01...100, default: 0.1...2, .later)
    views.blur = GaussianBlur(
        probability: strength("blur"), sigma: Float(sigma.lowerBound)...Float(sigma.upperBound))
    return views
}
