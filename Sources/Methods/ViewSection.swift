internal import Datasets
internal import RunFiles

/// Reads the section `views` of methods that take one random crop with flip of each image (MLCD
/// sheet, section 4).
///
/// Keys: `size`, the side of a view in pixels; `area` and `aspect`, intervals of a crop's share of
/// the image and of its width by height; `flip`, the probability of a mirrored view; `padding`,
/// what lies beyond the border; `antialias`, whether shrinking averages. Normalisation is that of
/// the data set, so that training and evaluation cannot differ in it.
func viewSettings(from section: Section) -> ViewSettings {
    let size = section.int("size", in: 4...1024, default: 28)
    let area = section.interval("area", in: 0.01...1, default: 0.7...1)
    let aspect = section.interval("aspect", in: 0.1...10, default: 0.8...1.25)
    return ViewSettings(
        height: size, width: size, area: Float(area.lowerBound)...Float(area.upperBound),
        aspect: Float(aspect.lowerBound)...Float(aspect.upperBound),
        flipProbability: Float(section.float("flip", in: 0...1, default: 0.5)),
        padding: section.choice("padding", default: .zeros),
        antialias: section.bool("antialias", default: false))
}
