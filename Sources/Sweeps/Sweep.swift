internal import CoordinatorDaemon
internal import Evaluation
public import Foundation
internal import Methods
internal import Plots
public import Processes
internal import RunFiles
public import ServiceLifecycle
internal import Storage

/// Trains and evaluates one run a combination of settings, one after the other.
///
/// Every run is a state directory of its own below the sweep's, made by `pleiad train`; what is
/// finished there is not made again. Runs of a method that tells instances apart are analysed, too.
/// The directory gets the summary as `sweep.md`, `sweep.csv` and `sweep.svg`, written anew after
/// every run.
public actor Sweep: Service {
    /// What is made.
    public struct Options: Sendable {
        /// The run file.
        public var runFile: String
        /// The directory of the sweep; made if it is missing.
        public var directory: String
        /// The runs.
        public var grid: SweepGrid
        /// Workers of each.
        public var workers: Int
        /// Compute threads of each worker.
        public var slots: Int
        /// The program; this very one unless told otherwise.
        public var program: URL

        /// Options with these values.
        public init(
            runFile: String, directory: String, grid: SweepGrid, workers: Int, slots: Int,
            program: URL = ChildProcess.thisProgram
        ) {
            self.runFile = runFile
            self.directory = directory
            self.grid = grid
            self.workers = workers
            self.slots = slots
            self.program = program
        }
    }

    /// What is said while it goes on.
    public enum Progress: Sendable {
        /// A run begins, or goes on; so many are finished. `secondsLeft` is for the whole sweep,
        /// nil before one run was made.
        case begins(SweepGrid.Run, number: Int, of: Int, secondsLeft: Double?)
        /// A run is finished, now or by an earlier call.
        case finished(SweepResult, wasThere: Bool)
    }

    /// A run before it begins.
    private struct Prepared {
        /// The run file, with the run's settings.
        var runFile: ResolvedRunFile
        /// Whether its method tells instances apart.
        var isAnalysed: Bool
        /// What it makes of its images before the first step, if anything.
        var preparation: Preparation?
    }

    /// What a run makes of its images before the first step.
    private struct Preparation: Hashable {
        var data: DataSettings
        var file: PreparedFile
    }

    private let options: Options
    /// What is known of each run before it begins.
    private let prepared: [Prepared]
    private let report: @Sendable (Progress) -> Void
    private var isStopping = false
    private var process: ChildProcess?
    /// Results so far, in the order of the grid.
    public private(set) var results: [SweepResult] = []

    /// A sweep that has read its run file: every run's settings are checked before the first
    /// begins.
    ///
    /// - Throws: `RunFileError` with the first run's mistakes.
    public init(_ options: Options, report: @escaping @Sendable (Progress) -> Void) throws {
        self.options = options
        self.report = report
        prepared = try options.grid.runs.map {
            let plan = try RunPlan(contentsOf: options.runFile, setting: $0.settings)
            return Prepared(
                runFile: plan.resolved, isAnalysed: plan.method.instanceContrast != nil,
                preparation: plan.method.preparedFile.map {
                    Preparation(data: plan.settings.data, file: $0)
                })
        }
    }

    /// Makes what is not finished yet.
    ///
    /// - Throws: `SweepError`; what a damaged state directory throws.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await makeRuns()
        } onGracefulShutdown: {
            Task { await self.stop() }
        }
    }

    private func stop() {
        isStopping = true
        process?.signal(SIGTERM)
    }

    private func makeRuns() async throws {
        let files = LocalFileSystem()
        try files.createDirectoryDurably(options.directory)
        let begin = ContinuousClock.now
        var made = 0
        for (place, (run, prepared)) in zip(options.grid.runs, prepared).enumerated() {
            let directory = "\(options.directory)/\(run.name)"
            if let result = try SweepResult(in: directory, of: run.settings) {
                try checkOrigin(prepared.runFile, in: directory)
                try take(result, wasThere: true)
                continue
            }
            let left = options.grid.runs.count - place
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            report(
                .begins(
                    run, number: place + 1, of: options.grid.runs.count,
                    secondsLeft: made > 0 ? seconds / Double(made) * Double(left) : nil))
            try await make(run, prepared, in: directory)
            guard let result = try SweepResult(in: directory, of: run.settings) else {
                throw SweepError.stopped(
                    finished: results.count, of: options.grid.runs.count)
            }
            try take(result, wasThere: false)
            made += 1
        }
    }

    /// A finished run counts only if it is the one that would be made now.
    private func checkOrigin(_ wanted: ResolvedRunFile, in directory: String) throws {
        let held = try StoredRun(directory: directory).plan
        let first = differences(held.resolved.bitsText, wanted.bitsText).first
        if let first {
            throw DaemonError.anotherRun(directory: directory, difference: "\(first)")
        }
    }

    private func take(_ result: SweepResult, wasThere: Bool) throws {
        results.append(result)
        let title = "Sweep of \(fileName(of: options.runFile))"
        let summary = SweepSummary(title: title, grid: options.grid, results: results)
        let files = LocalFileSystem()
        let directory = options.directory
        try files.writeFileDurably("\(directory)/sweep.md", Array(summary.markdown.utf8))
        try files.writeFileDurably("\(directory)/sweep.csv", Array(summary.csv.utf8))
        if let figure = summary.figure {
            try files.writeFileDurably("\(directory)/sweep.svg", Array(figure.svg.utf8))
        }
        report(.finished(result, wasThere: wasThere))
    }

    private func fileName(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// Trains to the end and evaluates; analyses a run that tells instances apart.
    private func make(
        _ run: SweepGrid.Run, _ prepared: Prepared, in directory: String
    ) async throws {
        let path = "\(directory).yaml"
        try LocalFileSystem().writeFileDurably(path, Array(prepared.runFile.text.utf8))
        if let preparation = prepared.preparation { try takeOver(preparation, into: directory) }
        try await call(
            [
                "train", path, "--state", directory, "--workers", String(options.workers),
                "--slots", String(options.slots),
            ], of: run, output: .inherited)
        try await call(
            prepared.isAnalysed
                ? ["analyse", directory, "--record"]
                : ["evaluate", directory, "--record", "--knn", "--linear"], of: run,
            output: .errorsAlone)
    }

    /// Puts there what a finished run prepared, so that one that would prepare the same need not.
    ///
    /// As a second name of the file: files of a state directory are replaced, never written into.
    /// The run itself checks it against its images and settings, and makes it anew if it differs;
    /// so it does where a file can have one name only.
    private func takeOver(_ preparation: Preparation, into directory: String) throws {
        let files = LocalFileSystem()
        let finished = zip(options.grid.runs, prepared).prefix(results.count)
        guard let run = finished.first(where: { $1.preparation == preparation })?.0 else { return }
        try files.createDirectoryDurably(directory)
        let name = preparation.file.name
        try? FileManager.default.linkItem(
            atPath: "\(options.directory)/\(run.name)/\(name)", toPath: "\(directory)/\(name)")
    }

    /// Runs this program; a stop ends it in order.
    private func call(
        _ arguments: [String], of run: SweepGrid.Run, output: ChildProcess.Output
    ) async throws {
        guard !isStopping else { return }
        let child = try ChildProcess(arguments, program: options.program, output: output)
        process = child
        let end = await child.end()
        process = nil
        guard end == .code(0) || isStopping else {
            throw SweepError.runFailed(name: run.name, how: "\(end)")
        }
    }
}
