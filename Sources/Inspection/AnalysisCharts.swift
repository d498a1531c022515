internal import Evaluation
internal import Foundation
public import Plots

/// The figures of the paper that an analysis can draw, each as series that may share a chart with
/// those of other runs.
extension RunAnalysis {
    /// The chart on which `similaritySeries` of one or several runs lie.
    public static func similarityChart(_ title: String, _ series: [Series]) -> Chart {
        Chart(title, x: Axis("similarity"), y: Axis("share of the pairs, %"), series)
    }

    /// Similarities of two different images.
    public func negativeSeries(_ name: String) -> Series {
        let (same, other) = (embedding.sameClass.counts, embedding.otherClass.counts)
        let all = SimilarityHistogram(counts: zip(same, other).map(+)) ?? SimilarityHistogram()
        return Self.histogram(name, all.shares)
    }

    /// Similarities of two views of one image; nil without views.
    public func positiveSeries(_ name: String) -> Series? {
        embedding.positives.map { Self.histogram(name, $0.shares) }
    }

    /// The chart on which `penaltySeries` lie.
    public static func penaltyChart(_ title: String, _ series: [Series]) -> Chart {
        Chart(
            title, x: Axis("similarity of the negative"), y: Axis("share of the push, %"), series)
    }

    /// How the push of the run's own loss is divided by similarity; nil without a temperature.
    public func penaltySeries(_ name: String) -> Series? {
        ownPenalty.map { Self.histogram(name, embedding.penalties[$0].bySimilarity) }
    }

    /// The chart on which `nearestPenaltySeries` lie.
    public static func nearestPenaltyChart(_ title: String, _ series: [Series]) -> Chart {
        Chart(
            title, x: Axis("nearest negatives", .logarithmic),
            y: Axis("their share of the push, %"),
            series)
    }

    /// The share of the push that the nearest negatives get under the run's own loss; nil without
    /// a temperature.
    public func nearestPenaltySeries(_ name: String) -> Series? {
        ownPenalty.map { Self.shares(name, embedding.penalties[$0]) }
    }

    /// The charts of one run.
    var charts: [Chart] {
        let penalties = embedding.penalties
        let names = penalties.map { Self.name(of: $0.loss) }
        let similarities = Self.similarityChart(
            "similarities",
            [positiveSeries("two views of an image")].compactMap(\.self) + [
                Self.histogram("one class", embedding.sameClass.shares),
                Self.histogram("different classes", embedding.otherClass.shares),
            ])
        return [
            similarities, separationChart,
            Self.penaltyChart(
                "who is pushed, by similarity",
                zip(names, penalties).map { Self.histogram($0, $1.bySimilarity) }),
            Self.nearestPenaltyChart(
                "who is pushed, by rank", zip(names, penalties).map { Self.shares($0, $1) }),
        ]
    }

    private var separationChart: Chart {
        let nearest = embedding.nearestSimilarities.enumerated().map {
            Series.Point(Double($0 + 1), $1)
        }
        var series = [Series("nearest other images", nearest, mark: .dots)]
        if let positive = embedding.positiveSimilarity {
            series.append(Series("a view of the same image", [.init(0, positive)], mark: .dots))
        }
        return Chart(
            "local separation", x: Axis("rank among the nearest"), y: Axis("mean similarity"),
            series)
    }

    /// A loss in a few letters.
    static func name(of loss: PenaltyProfile.Loss) -> String {
        let temperature = String(format: "%g", loss.temperature)
        return "τ = \(temperature)" + (loss.hardest.map { ", nearest \($0)" } ?? "")
    }

    /// A stair in per cent over the bins that are not empty, from zero back to zero.
    private static func histogram(_ name: String, _ shares: [Double]) -> Series {
        guard let first = shares.firstIndex(where: { $0 > 0 }),
            let last = shares.lastIndex(where: { $0 > 0 })
        else { return Series(name, [], mark: .steps) }
        let inner = (first...last).map {
            Series.Point(SimilarityHistogram.edge($0), 100 * shares[$0])
        }
        return Series(
            name,
            [.init(SimilarityHistogram.edge(first), 0)] + inner
                + [.init(SimilarityHistogram.edge(last + 1), 0)], mark: .steps)
    }

    private static func shares(_ name: String, _ penalty: PenaltyProfile) -> Series {
        Series(
            name, penalty.nearest.map { .init(Double($0.count), 100 * $0.share) }, mark: .dots)
    }
}
