/// Series over one pair of axes.
public struct Chart: Hashable, Sendable {
    /// What is seen.
    public var title: String
    /// To the right.
    public var x: Axis
    /// Upwards.
    public var y: Axis
    /// What is drawn, the first below the others.
    public var series: [Series]

    /// A chart of these series.
    public init(_ title: String, x: Axis, y: Axis, _ series: [Series]) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
    }
}

/// A chart drawn: the elements of a group whose upper left corner is the origin.
struct DrawnChart {
    static let width = 480.0
    static let height = 320.0
    private static let left = 64.0
    private static let right = 16.0
    private static let titleHeight = 36.0
    private static let bottom = 48.0
    private static let legendLine = 16.0
    private static var plotWidth: Double { width - left - right }

    /// Colours that people of any colour vision tell apart: Okabe and Ito, "Color universal
    /// design", 2008; the yellow, which is too light on white, is left out.
    private static let colours = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000",
    ]

    private let chart: Chart
    private let x: AxisRange
    private let y: AxisRange
    private let legend: Legend
    private let top: Double
    private var plotHeight: Double { Self.height - top - Self.bottom }

    init(_ chart: Chart) {
        self.chart = chart
        legend = Legend(chart.series.count > 1 ? chart.series.map(\.name) : [], Self.plotWidth)
        top = Self.titleHeight + Double(legend.lineCount) * Self.legendLine
        let points = chart.series.flatMap(\.points)
        x = AxisRange(chart.x.scale, of: points.map(\.x))
        y = AxisRange(
            chart.y.scale,
            of: points.flatMap {
                [$0.y] + ($0.spread.map { [$0.lowerBound, $0.upperBound] } ?? [])
            }
        )
    }

    /// Lines of SVG.
    var svg: [String] {
        var lines = [
            text(chart.title, x: Self.width / 2, y: 20, anchor: "middle", of: "title"),
            text(
                chart.x.label, x: Self.left + Self.plotWidth / 2, y: Self.height - 10,
                anchor: "middle"),
            "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 "
                + "\(number(top + plotHeight / 2))) rotate(-90)\">"
                + "\(escaped(chart.y.label))</text>",
        ]
        lines += grid
        for (place, series) in chart.series.enumerated() {
            let colour = Self.colours[place % Self.colours.count]
            lines += drawn(series, colour, isDashed: place >= Self.colours.count)
        }
        return lines + legendLines
    }

    private var grid: [String] {
        var lines: [String] = []
        let (low, high) = (top, top + plotHeight)
        for mark in x.marks {
            guard let place = across(mark) else { continue }
            lines.append(line("grid", place, low, place, high))
            lines.append(text(x.text(of: mark), x: place, y: high + 16, anchor: "middle"))
        }
        for mark in y.marks {
            guard let place = down(mark) else { continue }
            lines.append(line("grid", Self.left, place, Self.left + Self.plotWidth, place))
            lines.append(text(y.text(of: mark), x: Self.left - 6, y: place + 4, anchor: "end"))
        }
        lines.append(
            "<rect class=\"frame\" x=\"\(number(Self.left))\" y=\"\(number(top))\" "
                + "width=\"\(number(Self.plotWidth))\" height=\"\(number(plotHeight))\"/>")
        return lines
    }

    private func drawn(_ series: Series, _ colour: String, isDashed: Bool) -> [String] {
        var lines: [String] = []
        let dash = isDashed ? " stroke-dasharray=\"5 3\"" : ""
        for run in runs(of: series) {
            let points = run.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
            lines.append(
                "<polyline class=\"curve\" stroke=\"\(colour)\"\(dash) points=\"\(points)\"/>")
        }
        for point in series.points {
            guard let place = across(point.x) else { continue }
            if let spread = point.spread, let low = down(spread.lowerBound),
                let high = down(spread.upperBound)
            {
                lines.append(
                    "<line class=\"spread\" stroke=\"\(colour)\" x1=\"\(number(place))\" "
                        + "y1=\"\(number(low))\" x2=\"\(number(place))\" y2=\"\(number(high))\"/>")
            }
            if series.mark == .dots, let middle = down(point.y) {
                lines.append(
                    "<circle fill=\"\(colour)\" cx=\"\(number(place))\" "
                        + "cy=\"\(number(middle))\" r=\"3\"/>")
            }
        }
        return lines
    }

    /// Corners of the series' lines: one line for each run of values that can be shown.
    private func runs(of series: Series) -> [[(x: Double, y: Double)]] {
        var runs: [[(x: Double, y: Double)]] = [[]]
        for point in series.points {
            guard let x = across(point.x), let y = down(point.y) else {
                runs.append([])
                continue
            }
            if series.mark == .steps, let before = runs[runs.count - 1].last {
                runs[runs.count - 1].append((x, before.y))
            }
            runs[runs.count - 1].append((x, y))
        }
        return runs.filter { $0.count > 1 }
    }

    private var legendLines: [String] {
        legend.entries.enumerated().map { place, entry in
            let y = Self.titleHeight - 4 + Double(entry.line) * Self.legendLine
            let colour = Self.colours[place % Self.colours.count]
            return "<text class=\"legend\" style=\"fill: \(colour)\" "
                + "x=\"\(number(Self.left + entry.x))\" y=\"\(number(y))\">"
                + "\(escaped(entry.name))</text>"
        }
    }

    private func across(_ value: Double) -> Double? {
        x.place(of: value).map { Self.left + $0 * Self.plotWidth }
    }

    private func down(_ value: Double) -> Double? {
        y.place(of: value).map { top + (1 - $0) * plotHeight }
    }

    private func line(
        _ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double
    ) -> String {
        "<line class=\"\(kind)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" "
            + "x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
    }

    private func text(
        _ words: String, x: Double, y: Double, anchor: String, of kind: String = "label"
    ) -> String {
        "<text class=\"\(kind)\" text-anchor=\"\(anchor)\" x=\"\(number(x))\" "
            + "y=\"\(number(y))\">\(escaped(words))</text>"
    }
}

/// Where the names of series stand: one behind the other, in as many lines as it takes.
private struct Legend {
    /// About what a letter takes at this size, and what lies between two names.
    private static let letterWidth = 6.2
    private static let gap = 16.0

    private(set) var entries: [(name: String, line: Int, x: Double)] = []
    var lineCount: Int { entries.last.map { $0.line + 1 } ?? 0 }

    init(_ names: [String], _ width: Double) {
        var (line, x) = (0, 0.0)
        for name in names {
            let length = Double(name.count) * Self.letterWidth
            if x > 0, x + length > width { (line, x) = (line + 1, 0) }
            entries.append((name, line, x))
            x += length + Self.gap
        }
    }
}

/// A coordinate: a hundredth of a unit is finer than any screen.
func number(_ value: Double) -> String { fixed(value, 2) }
