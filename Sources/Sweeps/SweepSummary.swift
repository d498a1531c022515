internal import Foundation
internal import RunFiles
public import Plots

/// The results of a sweep as tables and as a picture.
///
/// Runs that differ in `seed` alone are one measurement made several times: the summary shows
/// their mean, their least and their greatest.
public struct SweepSummary: Sendable {
    /// The key whose values are repetitions.
    private static let repetition = "seed"

    private let title: String
    private let grid: SweepGrid
    private let results: [SweepResult]

    /// A summary of the results that are there, in the order of the grid.
    public init(title: String, grid: SweepGrid, results: [SweepResult]) {
        self.title = title
        self.grid = grid
        self.results = results
    }

    /// What is measured at the end of a run.
    private struct Quantity {
        var name: String
        /// Whether it is a share of 1, shown in per cent.
        var isShare: Bool

        var heading: String { isShare ? "\(name), %" : name }
        var scale: Double { isShare ? 100 : 1 }
        var places: Int { isShare ? 2 : 3 }
    }

    /// Axes whose values are compared.
    private var axes: [SweepGrid.Axis] { grid.axes.filter { $0.key != Self.repetition } }

    /// Results that differ in the seed alone, in the order of the grid.
    var groups: [(settings: [KeySetting], results: [SweepResult])] {
        var groups: [(settings: [KeySetting], results: [SweepResult])] = []
        for result in results {
            let settings = result.settings.filter { $0.key != Self.repetition }
            if let place = groups.firstIndex(where: { $0.settings == settings }) {
                groups[place].results.append(result)
            } else {
                groups.append((settings, [result]))
            }
        }
        return groups
    }

    /// The quantities that any result has.
    private var quantities: [Quantity] {
        func names(_ figures: (SweepResult) -> [SweepResult.Figure]) -> [String] {
            var names: [String] = []
            for name in results.flatMap({ figures($0).map(\.name) }) where !names.contains(name) {
                names.append(name)
            }
            return names
        }
        return names(\.measures).map { Quantity(name: $0, isShare: false) }
            + names(\.accuracies).map { Quantity(name: $0, isShare: true) }
    }

    /// A table for people: accuracies in percent, with the spread where there are several seeds.
    public var markdown: String {
        let quantities = quantities
        let heads = axes.map(\.key) + ["runs"] + quantities.map(\.heading)
        var lines = [
            "# \(title)", "",
            "| " + heads.joined(separator: " | ") + " |",
            "|" + heads.map { _ in " --- |" }.joined(),
        ]
        for group in groups {
            let cells =
                group.settings.map(\.value) + [String(group.results.count)]
                + quantities.map { quantity in
                    cell(group.results.compactMap { $0[quantity.name] }, quantity)
                }
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func cell(_ values: [Double], _ quantity: Quantity) -> String {
        guard let spread = Spread(values) else { return "" }
        func text(_ value: Double) -> String { fixed(quantity.scale * value, quantity.places) }
        let mean = text(spread.mean)
        guard values.count > 1 else { return mean }
        return "\(mean) (\(text(spread.least)) to \(text(spread.greatest)))"
    }

    /// A table for programs: a line a run, with every figure.
    public var csv: String {
        var names: [String] = []
        for figure in results.flatMap({ $0.measures + $0.accuracies + $0.figures })
        where !names.contains(figure.name) {
            names.append(figure.name)
        }
        var lines = [(grid.axes.map(\.key) + names).map(Self.quoted).joined(separator: ",")]
        for result in results {
            let cells =
                result.settings.map { Self.quoted($0.value) }
                + names.map { name in result[name].map { "\($0)" } ?? "" }
            lines.append(cells.joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    /// What was measured over the first axis that has several numbers as values, a line for each
    /// combination of the others, and what analyses show; nil if there is neither.
    public var figure: Figure? {
        let charts = axisCharts + analysisCharts
        return charts.isEmpty ? nil : Figure(title, charts)
    }

    private var axisCharts: [Chart] {
        guard let axis = axes.first(where: { $0.values.count > 1 && Self.areNumbers($0.values) })
        else { return [] }
        let values = axis.values.compactMap(Double.init)
        return quantities.map { quantity in
            Chart(
                "\(quantity.name) over \(axis.key)", x: Axis(axis.key, Self.scale(of: values)),
                y: Axis(quantity.heading), series(quantity, over: axis.key))
        }
    }

    private func series(_ quantity: Quantity, over key: String) -> [Series] {
        var series: [Series] = []
        for group in groups {
            guard
                let x = group.settings.first(where: { $0.key == key }).flatMap({ Double($0.value) }
                ),
                let spread = Spread(group.results.compactMap { $0[quantity.name] })
            else { continue }
            let others = group.settings.filter { $0.key != key }.map(\.description)
            let label = others.isEmpty ? quantity.name : others.joined(separator: " ")
            let point = Series.Point(
                x, quantity.scale * spread.mean,
                spread: group.results.count > 1
                    ? (quantity.scale * spread.least)...(quantity.scale * spread.greatest) : nil)
            if let place = series.firstIndex(where: { $0.name == label }) {
                series[place].points.append(point)
            } else {
                series.append(Series(label, [point], mark: .dots))
            }
        }
        return series.map { Series($0.name, $0.points.sorted { $0.x < $1.x }, mark: .dots) }
    }

    private static func areNumbers(_ values: [String]) -> Bool {
        values.allSatisfy { Double($0)?.isFinite == true }
    }

    /// Values over more than a decade lie better on a logarithmic axis.
    private static func scale(of values: [Double]) -> Axis.Scale {
        guard let least = values.min(), let greatest = values.max(), least > 0 else {
            return .linear
        }
        return greatest >= 8 * least ? .logarithmic : .linear
    }
}

/// Mean and bounds of measurements that should be equal.
private struct Spread {
    let mean: Double
    let least: Double
    let greatest: Double

    init?(_ values: [Double]) {
        guard let least = values.min(), let greatest = values.max() else { return nil }
        mean = values.reduce(0, +) / Double(values.count)
        self.least = least
        self.greatest = greatest
    }
}
