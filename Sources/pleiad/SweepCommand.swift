import ArgumentParser
import Foundation
import RunFiles
import ServiceLifecycle
import Sweeps
import UnixSignals

/// `pleiad sweep`: one run a combination of settings.
struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Train and evaluate one run for each combination of settings.",
        discussion: """
            Each --set names a key of the run file and the values that it is to have; every \
            combination becomes a run, the last --set moving fastest. Runs are made one after \
            the other, each in a folder of the state directory with its settings as name, and \
            evaluated at their end (kNN and linear probe); runs of contrastive are analysed, as \
            by pleiad analyse (uniformity, tolerance, alignment). Finished runs are not made \
            again: the same command resumes a sweep, and one with more values adds to it. Ctrl-C \
            ends the run at work after its open step, with a checkpoint.

            The state directory gets sweep.md (a table), sweep.csv (every figure) and sweep.svg \
            (what was measured over the first --set of numbers; of contrastive also similarities \
            and who is pushed). Runs that differ in seed alone are shown as mean and spread. With \
            --json, one line a run on standard output, in the order of the values.

            Examples:
              pleiad sweep RUN.yaml --state runs/rates --set mlcd.rate=0.01,0.1,1
              pleiad sweep RUN.yaml --state runs/loss --set mlcd.loss=mlcd,mlc --set seed=0,1,2
              pleiad sweep RUN.yaml --state runs/s --set steps=600,3000 --workers 2 --json
              pleiad sweep deploy/runs/fashion-contrastive-quick.yaml --state runs/tau \\
                --set contrastive.temperature=0.07,0.3,0.7,1 --set seed=0,1,2 --json
            """)

    @Argument(help: "The run file (YAML).")
    var runFile: String

    @Option(help: "The directory of the sweep; made if it is missing.")
    var state: String

    @Option(
        name: .customLong("set"),
        help: "A key with its values: KEY=VALUE,VALUE,... May stand several times.")
    var settings: [String]

    @Option(help: "Workers of each run.")
    var workers = 1

    @Option(help: "Compute threads of each worker.")
    var slots = 1

    @Flag(help: "Print one JSON line a run.")
    var json = false

    func validate() throws {
        guard (1...256).contains(workers) else {
            throw ValidationError("--workers must be between 1 and 256.")
        }
        guard (1...1024).contains(slots) else {
            throw ValidationError("--slots must be between 1 and 1024.")
        }
    }

    func run() async throws {
        var axes: [SweepGrid.Axis] = []
        for text in settings { axes.append(try SweepGrid.Axis(text)) }
        let (grid, json) = (try SweepGrid(axes), json)
        let sweep = try Sweep(
            .init(
                runFile: runFile, directory: state, grid: grid, workers: workers, slots: slots)
        ) { Self.show($0, json: json) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: sweep, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger))
        try await group.run()
        let table = state + "/sweep.md"
        if !json, let text = try? String(contentsOfFile: table, encoding: .utf8) { print(text) }
        printError("\(counted(await sweep.results.count, "run")); table and plots in \(state)")
    }

    private static func show(_ progress: Sweep.Progress, json: Bool) {
        switch progress {
        case .begins(let run, let number, let count, let secondsLeft):
            let eta = secondsLeft.map { "  ETA \(duration($0))" } ?? ""
            printError("run \(number) of \(count): \(run.name)\(eta)")
        case .finished(let result, let wasThere):
            if json { printNow(result.json) }
            let figures =
                result.measures.map { "\($0.name) \(decimals($0.value, 3))" }
                + result.accuracies.map { "\($0.name) \(decimals(100 * $0.value, 2)) %" }
            let settings = result.settings.map(\.description).joined(separator: " ")
            printError(
                "\(wasThere ? "was finished" : "finished"): \(settings)  "
                    + figures.joined(separator: "  "))
        }
    }
}
