import Evaluation
import Inspection
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

    /// An analysis of three images, with a push at the run's own temperature.
    private static func analysis(uniformity: Double) throws -> RunAnalysis {
        let counts = (0..<SimilarityHistogram.binCount).map { $0 == 60 ? 2 : $0 == 62 ? 1 : 0 }
        let histogram = try #require(SimilarityHistogram(counts: counts))
        let penalty = PenaltyProfile(
            loss: .init(temperature: 0.3), entropy: 0.5,
            nearest: [.init(count: 1, share: 0.75)],
            bySimilarity: counts.map { Double($0) / 3 })
        return RunAnalysis(
            run: "r", method: "contrastive", step: 10, images: "test", space: .embeddings,
            embedding: EmbeddingAnalysis(
                imageCount: 3, dim: 4, uniformity: uniformity, tolerance: 0.25, alignment: 0.125,
                positiveSimilarity: 0.9, negativeSimilarity: 0.1, nearestSimilarities: [0.3],
                positives: histogram, sameClass: histogram, otherClass: SimilarityHistogram(),
                penalties: [penalty]), ownPenalty: 0,
            accuracies: .init(knn: 0.5, featureKNN: 0.75, linear: 0.25))
    }

    /// Results of two temperatures and two losses.
    private func analysed() throws -> (summary: SweepSummary, results: [SweepResult]) {
        let grid = try SweepGrid([
            SweepGrid.Axis("contrastive.loss=contrastive,hard"),
            SweepGrid.Axis("contrastive.temperature=0.3,1"),
        ])
        let results = try grid.runs.enumerated().map { place, run in
            var result = SweepResult(
                settings: run.settings, directory: "runs/\(run.name)", steps: 10, accuracies: [],
                figures: [.init("loss", 1.5), .init("uniformity", 9)])
            result.take(try Self.analysis(uniformity: Double(place)))
            return result
        }
        return (SweepSummary(title: "s", grid: grid, results: results), results)
    }

    @Test func `runs that are analysed have uniformity and tolerance before accuracies`() throws {
        let (summary, results) = try analysed()
        #expect(
            results[1].json
                == #"{"set":{"contrastive.loss":"contrastive","contrastive.temperature":1},"#
                + #""steps":10,"uniformity":1.0,"tolerance":0.25,"alignment":0.125,"knn":0.5,"#
                + #""knn_features":0.75,"linear":0.25,"figures":{"loss":1.5,"uniformity":9.0},"#
                + "\"directory\":\"\(results[1].directory)\"}")
        let lines = summary.markdown.split(separator: "\n").map(String.init)
        #expect(
            lines[1] == "| contrastive.loss | contrastive.temperature | runs | uniformity | "
                + "tolerance | alignment | knn, % | knn_features, % | linear, % |")
        #expect(
            lines[4] == "| contrastive | 1 | 1 | 1.000 | 0.250 | 0.125 | 50.00 | 75.00 | 25.00 |")
        let csv = summary.csv.split(separator: "\n").map(String.init)
        #expect(
            csv[0] == "contrastive.loss,contrastive.temperature,uniformity,tolerance,alignment,"
                + "knn,knn_features,linear,loss")
        #expect(csv[4] == "hard,1,3.0,0.25,0.125,0.5,0.75,0.25,1.5")
    }

    @Test func `the picture has the paper's figures`() throws {
        let charts = try #require(try analysed().summary.figure).charts
        #expect(
            charts.map(\.title) == [
                "uniformity over contrastive.temperature",
                "tolerance over contrastive.temperature",
                "alignment over contrastive.temperature", "knn over contrastive.temperature",
                "knn_features over contrastive.temperature",
                "linear over contrastive.temperature", "similarities of two views of an image",
                "similarities of two images", "who is pushed, by similarity",
                "who is pushed, by rank",
            ])
        #expect(
            charts[0].series.map(\.name)
                == ["contrastive.loss=contrastive", "contrastive.loss=hard"])
        #expect(charts[0].series[1].points == [.init(0.3, 2), .init(1, 3)])
        #expect(charts[0].y == Axis("uniformity") && charts[3].y == Axis("knn, %"))
        #expect(charts[3].series[0].points == [.init(0.3, 50), .init(1, 50)])
        for chart in charts[6...] { #expect(chart.series.count == 4) }
        // From zero up and down again, in per cent, at the lower edges of the bins.
        let points = charts[7].series[0].points
        #expect(points.map(\.x) == [0.2, 0.2, 0.22, 0.24, 0.26])
        #expect(points[0].y == 0 && points[2].y == 0 && points[4].y == 0)
        #expect(abs(points[1].y - 200.0 / 3) < 1e-9 && abs(points[3].y - 100.0 / 3) < 1e-9)
        #expect(charts[9].series[0].points == [.init(1, 75)])
    }

    @Test func `words alone have what analyses show`() throws {
        let grid = try SweepGrid([SweepGrid.Axis("contrastive.loss=contrastive,simple")])
        var result = SweepResult(
            settings: grid.runs[1].settings, directory: "d", steps: 1, accuracies: [], figures: [])
        var analysis = try Self.analysis(uniformity: 1)
        analysis.ownPenalty = nil
        result.take(analysis)
        let figure = SweepSummary(title: "s", grid: grid, results: [result]).figure
        #expect(
            figure?.charts.map(\.title)
                == ["similarities of two views of an image", "similarities of two images"])
    }
}
