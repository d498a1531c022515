import CoordinatorDaemon
import Evaluation
import Foundation
import Processes
import RunFiles
import ServiceLifecycle
import Storage
import UnixSignals

/// Evaluates checkpoints as they come, beside the training (run file, section `evaluate`).
///
/// Each evaluation is a process of its own that gives way to everything else, so that training
/// neither waits for it nor falls with it. One that is late passes over checkpoints; the last one
/// of a finished run is always evaluated, by `finish`.
struct CheckpointEvaluations: Service {
    let directory: String
    let settings: RunSettings
    /// Steps in which the data are gone through once.
    let stepsPerDataEpoch: Int

    /// How often the directory is looked at.
    private static let pause = Duration.milliseconds(500)

    private var wanted: EvaluateSettings { settings.evaluate }

    /// The evaluations of a coordinator's run; nil where no run is trained.
    init?(of coordinator: Coordinator, in directory: String) {
        guard let (settings, steps) = coordinator.training else { return nil }
        self.directory = directory
        self.settings = settings
        stepsPerDataEpoch = steps
    }

    func run() async throws {
        var last: Int?
        while wanted.isOn, !Task.isShuttingDownGracefully, !Task.isCancelled {
            if let step = newest, isDue(step, after: last) {
                last = step
                try? await evaluate(step)  // it said why; training goes on
            } else {
                try? await cancelWhenGracefulShutdown {  // cancelled: the loop ends
                    try await Task.sleep(for: Self.pause)
                }
            }
        }
        try? await gracefulShutdown()  // cancelled: the group ends at once
    }

    /// Evaluates the newest checkpoint, unless that was done: for a run that is over.
    func finish() async throws {
        guard wanted.isOn, let step = newest,
            !EvaluationRecord.exists(step: step, in: directory)
        else { return }
        printError("evaluating step \(grouped(step))")
        try await evaluate(step)
    }

    /// The step of the newest checkpoint.
    private var newest: Int? {
        let folder = directory + "/checkpoints"
        guard LocalFileSystem().exists(folder) else { return nil }
        return try? CheckpointStore(directory: folder, makesDirectory: false).steps().last
    }

    private func isDue(_ step: Int, after last: Int?) -> Bool {
        guard step > 0, step > last ?? 0, !EvaluationRecord.exists(step: step, in: directory)
        else { return false }
        return step == settings.steps
            || wanted.isDue(
                step: step, after: last ?? recorded, stepsPerDataEpoch: stepsPerDataEpoch)
    }

    /// The last step that was evaluated in an earlier start; 0 if none was.
    private var recorded: Int {
        (try? EvaluationRecord.newest(in: directory))?.step ?? 0
    }

    /// Runs `pleiad evaluate` on a checkpoint; a graceful shutdown ends it early.
    private func evaluate(_ step: Int) async throws {
        let arguments =
            ["evaluate", directory, "--step", String(step), "--record", "--background", "--knn"]
            + (wanted.linear ? ["--linear"] : [])
        let process = try ChildProcess(arguments, output: .errorsAlone)
        let end = await withGracefulShutdownHandler {
            await process.end()
        } onGracefulShutdown: {
            process.signal(SIGTERM)
        }
        guard end == .code(0) || end == .signal(SIGTERM) else {
            let failure = EvaluationFailed(step: step, end: end)
            printError("pleiad: \(failure)")
            throw failure
        }
    }
}

/// An evaluation on the way that failed.
private struct EvaluationFailed: Error, CustomStringConvertible {
    let step: Int
    let end: ProcessEnd

    var description: String {
        "the evaluation of step \(step) ended with \(end); see its message above, and try "
            + "pleiad evaluate --record"
    }
}
