public import Evaluation
public import Plots
public import Storage

/// What a run's steps showed, one after the other: `metrics.jsonl` and the evaluations on the way.
public struct RunCurves: Sendable {
    /// A figure of every step of which there is one.
    public struct Curve: Hashable, Sendable {
        /// Its name in `metrics.jsonl`.
        public let name: String
        /// Its values over steps.
        public internal(set) var points: [Series.Point]
    }

    /// The file of the figures in a state directory.
    public static let file = "metrics.jsonl"
    /// More points than a screen has columns tell nothing more.
    private static let pointsMax = 600
    /// Members of a line that are no figures.
    private static let others = ["step", "seconds", "samples", "answer_seconds"]
    /// What the name of a phase's time ends in.
    private static let phaseEnding = "_seconds"

    /// Curves in the order in which the first line names them.
    public private(set) var curves: [Curve] = []
    /// Evaluations in the order of steps.
    public let evaluations: [EvaluationRecord]

    /// The curves in a state directory, on which a coordinator may be at work.
    ///
    /// - Throws: `InspectionError.noCurves` if no step is committed; `.file`.
    public init(
        of directory: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(InspectionError) {
        let path = "\(directory)/\(Self.file)"
        guard fileSystem.exists(path) else { throw .noCurves(directory: directory) }
        var curves: [Curve] = []
        var places: [String: Int] = [:]
        do throws(StorageError) {
            try AppendOnlyLog.read(path, fileSystem: fileSystem) {
                _, line throws(StorageError) in
                guard let step = line["step"]?.integer, let members = line.members else { return }
                for member in members where !Self.others.contains(member.key) {
                    // What was not finite was written as null.
                    let value = member.value.number ?? .nan
                    let place = places[member.key] ?? curves.count
                    if place == curves.count {
                        places[member.key] = place
                        curves.append(Curve(name: member.key, points: []))
                    }
                    curves[place].points.append(Series.Point(Double(step + 1), value))
                }
            }
            evaluations = try EvaluationRecord.all(in: directory, fileSystem: fileSystem)
        } catch {
            throw .file(error)
        }
        guard !curves.isEmpty else { throw .noCurves(directory: directory) }
        self.curves = curves
    }

    /// The curves as a picture: one chart for each group of figures whose names begin alike up to
    /// a dot, the loss first, and one for the accuracies.
    public func figure(title: String) -> Figure {
        let groups = self.groups
        let loss = groups.filter { $0.name == "loss" }
        var charts = (loss + groups.filter { $0.name != "loss" }).map { group in
            chart(
                group.name.replacing("_", with: " "),
                group.curves.map { curve in
                    Series(curve.name, curve.points).thinned(to: Self.pointsMax)
                })
        }
        if let phases { charts.append(phases) }
        if let accuracies { charts.insert(accuracies, at: min(1, charts.count)) }
        return Figure(title, charts, columns: 3)
    }

    private var groups: [(name: String, curves: [Curve])] {
        var groups: [(name: String, curves: [Curve])] = []
        for curve in curves where !curve.name.hasSuffix(Self.phaseEnding) {
            let name = String(curve.name.prefix { $0 != "." })
            if let place = groups.firstIndex(where: { $0.name == name }) {
                groups[place].curves.append(curve)
            } else {
                groups.append((name, [curve]))
            }
        }
        return groups
    }

    /// Where the time of steps went; lines of earlier versions do not say it.
    private var phases: Chart? {
        let series = curves.filter { $0.name.hasSuffix(Self.phaseEnding) }.map { curve in
            Series(
                String(curve.name.dropLast(Self.phaseEnding.count)),
                curve.points.map { Series.Point($0.x, 1000 * $0.y) }
            ).thinned(to: Self.pointsMax)
        }
        return series.isEmpty ? nil : chart("ms of a step", series)
    }

    private var accuracies: Chart? {
        let names = Set(evaluations.flatMap { $0.accuracies.map(\.name) }).sorted()
        guard !names.isEmpty else { return nil }
        let series = names.map { name in
            Series(
                name,
                evaluations.compactMap { record in
                    record[name].map { Series.Point(Double(record.step), 100 * $0) }
                }, mark: .dots)
        }
        return chart("accuracy, %", series)
    }

    private func chart(_ name: String, _ series: [Series]) -> Chart {
        Chart(name, x: Axis("step"), y: Axis(name), series)
    }
}
