internal import Datasets
internal import RunFiles

/// Reads the section `views`: one random crop with flip of each image, as other methods take it,
/// and its colours (sheet contrastive, section 4).
///
/// Further keys: `brightness` and `contrast`, the strengths of the jitter, 0 to 1.
func contrastiveViews(from section: Section) -> ViewSettings {
    var views = viewSettings(from: section)
    views.jitter = ColourJitter(
        brightness: Float(section.float("brightness", in: 0...1, default: 0)),
        contrast: Float(section.float("contrast", in: 0...1, default: 0)))
    return views
}
