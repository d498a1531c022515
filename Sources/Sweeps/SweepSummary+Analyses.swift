internal import Inspection
internal import Plots
internal import RunFiles

/// What analyses of a sweep's runs show side by side: the paper's figures.
extension SweepSummary {
    /// Lines that a chart can have and still be read: each colour plain and dashed.
    private static let linesMax = 14

    /// Similarities of views and of images, and how each run's own loss divides its push; of runs
    /// that differ in the seed alone the first one.
    var analysisCharts: [Chart] {
        let analyses = groups.prefix(Self.linesMax).compactMap { group in
            group.results.first?.analysis.map { (name: Self.name(of: group.settings), $0) }
        }
        func lines(_ series: (RunAnalysis, String) -> Series?) -> [Series] {
            analyses.compactMap { series($0.1, $0.name) }
        }
        return [
            RunAnalysis.similarityChart(
                "similarities of two views of an image", lines { $0.positiveSeries($1) }),
            RunAnalysis.similarityChart(
                "similarities of two images", lines { $0.negativeSeries($1) }),
            RunAnalysis.penaltyChart(
                "who is pushed, by similarity", lines { $0.penaltySeries($1) }),
            RunAnalysis.nearestPenaltyChart(
                "who is pushed, by rank", lines { $0.nearestPenaltySeries($1) }),
        ].filter { !$0.series.isEmpty }
    }

    private static func name(of settings: [KeySetting]) -> String {
        settings.isEmpty ? "as it stands" : settings.map(\.description).joined(separator: " ")
    }
}
