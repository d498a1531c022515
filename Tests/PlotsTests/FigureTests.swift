import Foundation
import FoundationXML
import Testing

@testable import Plots

@Suite struct FigureTests {
    private func chart(_ series: [Series]) -> Chart {
        Chart("loss <of a run>", x: Axis("step"), y: Axis("loss & co"), series)
    }

    /// What stands between two texts, for the first place where both are.
    private func part(of text: String, from begin: String, to end: String) -> String? {
        guard let from = text.firstRange(of: begin),
            let to = text[from.upperBound...].firstRange(of: end)
        else { return nil }
        return String(text[from.upperBound..<to.lowerBound])
    }

    @Test func `a picture is sound XML that nothing in a name can break`() {
        let svg = Figure(
            "\"a\" <b>", [chart([Series("x</svg>", [.init(0, 1), .init(1, 2)])])]
        ).svg
        let parser = XMLParser(data: Data(svg.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(svg.contains("&quot;a&quot; &lt;b&gt;") && !svg.contains("x</svg>"))
    }

    @Test func `values lie where they should`() throws {
        // Margins of 4 % at both ends, in a plot 400 wide from 64 and 236 high from 36.
        let svg = Figure("f", [chart([Series("loss", [.init(0, 0), .init(10, 1)])])]).svg
        let points = try #require(part(of: svg, from: "points=\"", to: "\""))
        let (low, high) = (0.04 / 1.08, 1.04 / 1.08)
        #expect(
            points
                == "\(fixed(64 + 400 * low, 2)),\(fixed(36 + 236 * high, 2)) "
                + "\(fixed(64 + 400 * high, 2)),\(fixed(36 + 236 * low, 2))")
    }

    @Test func `a value that is not finite interrupts the line`() {
        let values = [1.0, 2, .nan, 3, 4].enumerated().map {
            Series.Point(Double($0.offset), $0.element)
        }
        let svg = Figure("f", [chart([Series("loss", values)])]).svg
        #expect(svg.split(separator: "<polyline").count == 3)
    }

    @Test func `dots have their spread, and stairs their corners`() throws {
        let dots = Figure(
            "f",
            [
                chart([
                    Series("a", [.init(0, 1, spread: 0.5...1.5), .init(1, 2)], mark: .dots)
                ])
            ]
        ).svg
        #expect(dots.split(separator: "<circle").count == 3)
        #expect(dots.split(separator: "class=\"spread\"").count == 2)
        let stairs = Figure("f", [chart([Series("a", [.init(0, 1), .init(1, 2)], mark: .steps)])])
            .svg
        let corners = try #require(part(of: stairs, from: "points=\"", to: "\""))
        #expect(corners.split(separator: " ").count == 3)
    }

    @Test func `names of several series stand in a legend, of one do not`() {
        let many = (0..<12).map { Series("series \($0)", [.init(0, 1), .init(1, 2)]) }
        let svg = Figure("f", [chart(many)]).svg
        #expect(svg.split(separator: "class=\"legend\"").count == 13)
        #expect(svg.contains("stroke-dasharray"))
        #expect(!Figure("f", [chart([many[0]])]).svg.contains("class=\"legend\""))
    }

    @Test func `a long curve is thinned to means`() {
        let long = Series("loss", (0..<10_000).map { .init(Double($0), Double($0 % 2)) })
        let thin = long.thinned(to: 100)
        #expect(thin.points.count == 100)
        #expect(thin.points.allSatisfy { abs($0.y - 0.5) < 1e-9 })
        #expect(thin.points[0].x == 49.5)
        #expect(thin.thinned(to: 200) == thin)
    }

    @Test func `charts fill a grid row by row`() {
        let svg = Figure("f", Array(repeating: chart([]), count: 3)).svg
        #expect(svg.contains("viewBox=\"0 0 960.00 680.00\""))
        #expect(svg.contains("translate(480.00 40.00)") && svg.contains("translate(0.00 360.00)"))
    }
}
