import Evaluation
import Plots
import Storage
import Testing

@testable import Inspection

@Suite struct RunCurvesTests {
    /// A disk with a run of so many steps, whose loss is a hundredth less after each.
    private func disk(steps: Int) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        let log = try AppendOnlyLog(path: "/run/metrics.jsonl", fileSystem: disk)
        for step in 0..<steps {
            let loss: JSONValue = step == 3 ? .null : .number(2 - Double(step) / 100)
            try log.append(
                [
                    "step": .integer(Int64(step)), "seconds": 1.5, "samples": 32,
                    "learning_rate": 0.001, "loss": loss, "cosine.positive": 0.5,
                    "cosine.negative": -0.25,
                ])
        }
        return disk
    }

    @Test func `curves are those of the figures, by step`() throws {
        let curves = try RunCurves(of: "/run", fileSystem: disk(steps: 10))
        #expect(
            curves.curves.map(\.name)
                == ["learning_rate", "loss", "cosine.positive", "cosine.negative"])
        let loss = curves.curves[1].points
        #expect(loss.map(\.x) == (1...10).map(Double.init))
        #expect(loss[0].y == 2 && loss[9].y == 1.91 && loss[3].y.isNaN)
    }

    @Test func `figures that begin alike share a chart, and accuracies have one`() throws {
        let disk = try disk(steps: 10)
        try EvaluationRecord(step: 5, [("knn.top1", 0.5)]).write(to: "/run", fileSystem: disk)
        let figure = try RunCurves(of: "/run", fileSystem: disk).figure(title: "a run")
        #expect(figure.charts.map(\.title) == ["loss", "accuracy, %", "learning rate", "cosine"])
        #expect(figure.charts[3].series.map(\.name) == ["cosine.positive", "cosine.negative"])
        #expect(figure.charts[1].series[0].points == [Series.Point(5, 50)])
    }

    @Test func `a long run is thinned, and one without steps is refused`() throws {
        let long = try RunCurves(of: "/run", fileSystem: disk(steps: 2000)).figure(title: "long")
        #expect(long.charts[0].series[0].points.count == 600)
        #expect(throws: InspectionError.noCurves(directory: "/run")) {
            try RunCurves(of: "/run", fileSystem: disk(steps: 0))
        }
    }
}
