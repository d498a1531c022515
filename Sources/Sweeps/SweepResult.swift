internal import CoordinatorDaemon
internal import Evaluation
public import Inspection
internal import Methods
internal import Plots
public import RunFiles
internal import Storage

/// What a run of a sweep came to.
public struct SweepResult: Hashable, Sendable {
    /// A figure with its name.
    public struct Figure: Hashable, Sendable {
        /// The name, as in `--json`.
        public var name: String
        /// The value.
        public var value: Double
        /// A figure of this name.
        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// Figures of steps are means over so many of the last ones: single steps are noisy.
    static let lastSteps = 64

    /// What was set.
    public var settings: [KeySetting]
    /// The run's state directory.
    public var directory: String
    /// Steps that were made.
    public var steps: Int
    /// Figures of the space of embeddings, of runs that are analysed: `uniformity`, `tolerance`,
    /// `alignment`.
    public var measures: [Figure]
    /// Accuracies, each a share of 1: `knn`, `knn_embedding`, `linear`; of runs that are analysed
    /// `knn`, `knn_features`, `linear`.
    public var accuracies: [Figure]
    /// Means of the last steps' figures, by their names in `metrics.jsonl`.
    public var figures: [Figure]
    /// The whole analysis of runs that are analysed.
    public var analysis: RunAnalysis?

    /// A result of these figures.
    public init(
        settings: [KeySetting], directory: String, steps: Int, measures: [Figure] = [],
        accuracies: [Figure], figures: [Figure], analysis: RunAnalysis? = nil
    ) {
        self.settings = settings
        self.directory = directory
        self.steps = steps
        self.measures = measures
        self.accuracies = accuracies
        self.figures = figures
        self.analysis = analysis
    }

    /// The result in a state directory; nil if its run is not over, or not evaluated.
    ///
    /// - Throws: `DaemonError`, `InspectionError`, `StorageError`: what is there is damaged.
    init?(in directory: String, of settings: [KeySetting]) throws {
        guard LocalFileSystem().exists(directory + "/run.yaml") else { return nil }
        let run = try StoredRun(directory: directory)
        let total = run.plan.settings.steps
        let evaluations = try EvaluationRecord.all(in: directory)
        guard let last = evaluations.last, last.step == total,
            Self.evaluated.allSatisfy({ last[$0.recorded] != nil })
        else { return nil }
        let curves = try RunCurves(of: directory).curves
        self.init(
            settings: settings, directory: directory, steps: total,
            accuracies: Self.names.compactMap { name in
                last[name.recorded].map { Figure(name.short, $0) }
            },
            figures: curves.map { curve in
                let tail = curve.points.suffix(Self.lastSteps).map(\.y)
                return Figure(curve.name, tail.reduce(0, +) / Double(tail.count))
            })
        guard run.plan.method.instanceContrast != nil else { return }
        guard let analysis = try RunAnalysis.read(step: total, in: directory) else { return nil }
        take(analysis)
    }

    /// Takes over the figures of an analysis.
    mutating func take(_ analysis: RunAnalysis) {
        let embedding = analysis.embedding
        measures = [
            ("uniformity", embedding.uniformity), ("tolerance", embedding.tolerance),
            ("alignment", embedding.alignment),
        ].compactMap { name, value in value.map { Figure(name, $0) } }
        accuracies = [
            Figure("knn", analysis.accuracies.knn),
            Figure("knn_features", analysis.accuracies.featureKNN),
            Figure("linear", analysis.accuracies.linear),
        ]
        self.analysis = analysis
    }

    /// Accuracies by their names in a record and in the results of a sweep.
    private static let names = [
        (recorded: "knn.top1", short: "knn"),
        (recorded: "knn.embedding_top1", short: "knn_embedding"),
        (recorded: "linear.top1", short: "linear"),
        (recorded: "classifier.top1", short: "classifier"),
    ]
    /// Those that every evaluation of a sweep has.
    private static let evaluated = names.filter { ["knn", "linear"].contains($0.short) }

    /// A figure by its name, what was measured at the end before figures of steps.
    public subscript(name: String) -> Double? {
        (measures + accuracies + figures).first { $0.name == name }?.value
    }

    /// The result on one line, as `--json` prints it.
    public var json: String {
        let settings = settings.map { JSONMember($0.key, Self.value($0.value)) }
        let measured = (measures + accuracies).map { JSONMember($0.name, .number($0.value)) }
        let figures = figures.map { JSONMember($0.name, .number($0.value)) }
        return JSONValue.object(
            [
                JSONMember("set", .object(settings)), JSONMember("steps", .integer(Int64(steps))),
            ] + measured + [
                JSONMember("figures", .object(figures)),
                JSONMember("directory", .string(directory)),
            ]
        ).text
    }

    /// A value of a run file as JSON: a number where it is one.
    private static func value(_ text: String) -> JSONValue {
        if let integer = Int64(text) { return .integer(integer) }
        if let number = Double(text), number.isFinite { return .number(number) }
        return text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
    }
}
