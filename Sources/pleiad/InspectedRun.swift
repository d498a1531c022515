import ArgumentParser
import CoordinatorDaemon
import Datasets
import Evaluation
import Foundation
import Inspection
import Methods
import RunFiles
import Storage

/// Which run is looked at, and how far it was.
struct InspectionSource: ParsableArguments {
    @Argument(help: "The run's state directory.")
    var directory: String

    @Option(help: "The checkpoint of this step. Default: the newest one.")
    var step: Int?

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    /// Opens a checkpoint of the run and its labels.
    func opened() throws -> InspectedRun {
        let run = try StoredRun(directory: directory)
        return try run.reading(step: step) { checkpoint in
            InspectedRun(
                directory: directory, data: data, plan: run.plan, step: checkpoint.step,
                centers: try InspectedCenters(
                    of: run.plan.method, tables: run.tables(in: checkpoint),
                    directory: directory),
                extractor: try FeatureExtractor(of: run, try run.version(in: checkpoint)))
        }
    }
}

/// A run at one of its checkpoints, as the commands show it that only look.
struct InspectedRun {
    let directory: String
    /// The folder of the data set, if not the run's.
    let data: String?
    let plan: RunPlan
    let step: Int
    let centers: InspectedCenters
    let extractor: FeatureExtractor

    var name: String { plan.settings.name }
    var method: String { plan.settings.method }

    /// What it is, for people.
    var title: String { "\(name), \(method), step \(grouped(step))" }

    /// The images of the run.
    func images() throws -> (train: ImageDataset, test: ImageDataset) {
        try plan.loadData(directory: data)
    }
}

extension WorkLine {
    /// A line about a pass over a table or images.
    convenience init(_ meter: PassMeter) {
        self.init(stop: { meter.stop() }) { _ in
            let reading = meter.reading
            guard reading.total > 0 else { return reading.what }
            let part = Double(reading.done) / Double(reading.total)
            var text = "\(reading.what)  \(Int(100 * part)) %"
            if part > 0.001 {
                let elapsed = (ContinuousClock.now - reading.begun) / .seconds(1)
                text += "  ETA \(duration(elapsed * (1 - part) / part))"
            }
            return text
        }
    }

    /// Runs `body` under a line about its meter.
    static func during<Result>(_ body: (PassMeter) throws -> Result) rethrows -> Result {
        let meter = PassMeter()
        let line = WorkLine(meter)
        line.start()
        defer { line.end() }
        return try body(meter)
    }
}
