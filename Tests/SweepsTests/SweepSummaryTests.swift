import Plots
import RunFiles
import Testing

@testable import Sweeps

@Suite struct SweepSummaryTests {
    private static let rates = ["0.01", "0.1", "1"]

    /// Results of three rates, two losses and two seeds, whose accuracies are known.
    private func summary() throws -> SweepSummary {
        let grid = try SweepGrid([
            SweepGrid.Axis("mlcd.rate=" + Self.rates.joined(separator: ",")),
            SweepGrid.Axis("mlcd.loss=mlcd,mlc"), SweepGrid.Axis("seed=0,1"),
        ])
        let results = grid.runs.enumerated().map { place, run in
            SweepResult(
                settings: run.settings, directory: "runs/\(run.name)", steps: 10,
                accuracies: [.init("knn", Double(place) / 100)], figures: [.init("loss", 1.5)])
        }
        return SweepSummary(title: "Sweep of a.yaml", grid: grid, results: results)
    }

    @Test func `runs that differ in the seed alone are one row with its spread`() throws {
        let lines = try summary().markdown.split(separator: "\n").map(String.init)
        #expect(lines[0] == "# Sweep of a.yaml")
        #expect(lines[1] == "| mlcd.rate | mlcd.loss | runs | knn, % |")
        #expect(lines.count == 3 + 6)
        #expect(lines[3] == "| 0.01 | mlcd | 2 | 0.50 (0.00 to 1.00) |")
        #expect(lines[8] == "| 1 | mlc | 2 | 10.50 (10.00 to 11.00) |")
    }

    @Test func `the table for programs has every run with every figure`() throws {
        let lines = try summary().csv.split(separator: "\n").map(String.init)
        #expect(lines[0] == "mlcd.rate,mlcd.loss,seed,knn,loss")
        #expect(lines.count == 13)
        #expect(lines[2] == "0.01,mlcd,1,0.01,1.5")
    }

    @Test func `the picture has a line for each of the other settings`() throws {
        let figure = try #require(try summary().figure)
        #expect(figure.charts.count == 1)
        let chart = figure.charts[0]
        #expect(chart.x == Axis("mlcd.rate", .logarithmic))
        #expect(chart.series.map(\.name) == ["mlcd.loss=mlcd", "mlcd.loss=mlc"])
        #expect(
            chart.series[0].points == [
                .init(0.01, 0.5, spread: 0...1), .init(0.1, 4.5, spread: 4...5),
                .init(1, 8.5, spread: 8...9),
            ])
    }

    @Test func `a sweep over words has no picture`() throws {
        let grid = try SweepGrid([SweepGrid.Axis("mlcd.loss=mlcd,mlc")])
        #expect(SweepSummary(title: "s", grid: grid, results: []).figure == nil)
    }

    @Test func `a result on one line is JSON with numbers as numbers`() {
        let result = SweepResult(
            settings: [
                KeySetting("mlcd.rate", "0.1"), KeySetting("mlcd.loss", "mlc"),
                KeySetting("seed", "3"),
            ], directory: "d", steps: 10, accuracies: [.init("knn", 0.5)],
            figures: [.init("loss", 1.25)])
        #expect(
            result.json
                == #"{"set":{"mlcd.rate":0.1,"mlcd.loss":"mlc","seed":3},"steps":10,"knn":0.5,"#
                + #""figures":{"loss":1.25},"directory":"d"}"#)
    }
}
