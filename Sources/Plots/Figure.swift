/// Charts in a grid, as one picture that needs nothing beside it.
public struct Figure: Hashable, Sendable {
    /// What the charts are of.
    public var title: String
    /// The charts, row by row.
    public var charts: [Chart]
    /// Charts of a row at most.
    public var columns: Int

    private static let titleHeight = 40.0

    /// A picture of these charts.
    public init(_ title: String, _ charts: [Chart], columns: Int = 2) {
        precondition(columns > 0, "no columns")
        self.title = title
        self.charts = charts
        self.columns = columns
    }

    /// An SVG document; the same charts give the same bytes.
    public var svg: String { (["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"] + element).text }

    /// The same as an element within an HTML page.
    public var inlineSVG: String { element.text }

    private var element: [String] {
        let across = max(1, min(columns, charts.count))
        let down = (charts.count + across - 1) / across
        let width = Double(across) * DrawnChart.width
        let height = Self.titleHeight + Double(down) * DrawnChart.height
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
                + "viewBox=\"0 0 \(number(width)) \(number(height))\" "
                + "width=\"\(number(width))\" height=\"\(number(height))\">",
            "<title>\(escaped(title))</title>", "<style>", Self.style, "</style>",
            "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
            "<text class=\"head\" text-anchor=\"middle\" x=\"\(number(width / 2))\" y=\"26\">"
                + "\(escaped(title))</text>",
        ]
        for (place, chart) in charts.enumerated() {
            let x = Double(place % across) * DrawnChart.width
            let y = Self.titleHeight + Double(place / across) * DrawnChart.height
            lines.append("<g transform=\"translate(\(number(x)) \(number(y)))\">")
            lines += DrawnChart(chart).svg
            lines.append("</g>")
        }
        return lines + ["</svg>", ""]
    }

    private static let style = """
        .ground { fill: #ffffff; }
        text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
        .head { font-size: 17px; font-weight: 600; }
        .title { font-size: 14px; font-weight: 600; }
        .legend { font-size: 11px; font-weight: 600; }
        .grid { stroke: #e3e6ea; stroke-width: 1; }
        .frame { fill: none; stroke: #9aa2ac; stroke-width: 1; }
        .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
        .spread { stroke-width: 1.2; opacity: 0.7; }
        """
}

extension [String] {
    fileprivate var text: String { joined(separator: "\n") }
}
