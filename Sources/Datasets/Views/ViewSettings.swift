/// What a sample beyond the border of an image counts as.
public enum EdgePadding: String, Hashable, Sendable, CaseIterable {
    /// Black before normalisation, as PyTorch's `grid_sample` by default (the reference run's way).
    case zeros
    /// The nearest pixel inside.
    case edge
}

/// How random views are made of an image: random resized crop, horizontal flip, colour, blur.
public struct ViewSettings: Hashable, Sendable {
    /// Share of the image's area that a crop covers, uniform.
    public var area: ClosedRange<Float>
    /// Width by height of a crop in pixels, uniform in its logarithm.
    public var aspect: ClosedRange<Float>
    /// Probability of a horizontal flip.
    public var flipProbability: Float
    /// Rows of a view.
    public var height: Int
    /// Columns of a view.
    public var width: Int
    /// What lies beyond the border.
    public var padding: EdgePadding
    /// Whether shrinking averages over all pixels beneath (triangular filter, sheet MLCD section 4)
    /// rather than between the two nearest.
    public var antialias: Bool
    /// Random colours.
    public var jitter: ColourJitter
    /// A random blur.
    public var blur: GaussianBlur

    /// Defaults are those of MLCD's reference run (sheet section 6): area 0.7 to 1, aspect 0.8 to
    /// 1.25, flip 0.5, bilinear with zeros beyond the border, no jitter, no blur.
    public init(
        height: Int, width: Int, area: ClosedRange<Float> = 0.7...1,
        aspect: ClosedRange<Float> = 0.8...1.25, flipProbability: Float = 0.5,
        padding: EdgePadding = .zeros, antialias: Bool = false, jitter: ColourJitter = .none,
        blur: GaussianBlur = .none
    ) {
        precondition(height > 0 && width > 0, "views of \(height) x \(width)")
        precondition(area.lowerBound > 0 && area.upperBound <= 1, "area \(area)")
        precondition(aspect.lowerBound > 0 && aspect.upperBound.isFinite, "aspect \(aspect)")
        precondition((0...1).contains(flipProbability), "flip \(flipProbability)")
        self.height = height
        self.width = width
        self.area = area
        self.aspect = aspect
        self.flipProbability = flipProbability
        self.padding = padding
        self.antialias = antialias
        self.jitter = jitter
        self.blur = blur
    }
}
