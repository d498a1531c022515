/// What a random number is drawn for: the one table of streams.
///
/// Draws of different streams are independent whatever their other keys. A raw value is part of
/// what a run's seed means, so it never changes and is never used again.
public enum RandomStream: UInt32, CaseIterable, Sendable {
    /// The order of the samples of a data epoch.
    case dataOrder = 1
    /// The area of a random crop.
    case cropArea = 2
    /// The aspect ratio of a random crop.
    case cropAspect = 3
    /// The horizontal place of a random crop.
    case cropX = 4
    /// The vertical place of a random crop.
    case cropY = 5
    /// Whether an image is mirrored.
    case flip = 6
    /// The first values of a network's parameters.
    case initialisation = 7
    /// The first values of a table's rows.
    case tableInitialisation = 8
    /// Which rows are drawn as negatives in a step.
    case negativeDraw = 9
    /// The first centers of k-means.
    case kmeansSeed = 10
    /// How k-means refills an empty cluster.
    case kmeansSplit = 11
    /// Which of an image's labels is used where a loss takes one.
    case labelChoice = 12
    /// Which features of an embedding take part in a step.
    case featureSubset = 13
    /// The order in which data shards are dealt out.
    case shardOrder = 14
    /// Brightness, contrast, saturation and hue of a view.
    case colour = 15
    /// Noise that is added to an input.
    case noise = 16
    /// Which patches are hidden.
    case mask = 17
    /// Whether and how much a view is blurred.
    case blur = 18
    /// The order in which k-means goes over mini-batches.
    case kmeansBatch = 19
    /// Where patches are cut from images.
    case patch = 20
    /// Which centers a gallery shows.
    case shownCenters = 21
    /// The words of an image's caption.
    case caption = 22
    /// First weights, order and mirror images of a linear evaluation.
    case linearEvaluation = 23
    /// Numbers that only tests and benchmarks draw.
    case test = 1000
}
