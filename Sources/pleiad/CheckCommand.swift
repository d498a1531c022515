import ArgumentParser
import Foundation
import Identity
import Methods
import RunFiles

/// `pleiad check`: every mistake of a run file at once.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a run file and print it with every default.",
        discussion: """
            Prints every mistake with file, line, key and what is allowed, and exits 2 if there \
            is one. Otherwise prints the run file as it was understood.

            Example:
              pleiad check deploy/runs/fashion-mlcd.yaml
            """)

    @Argument(help: "The run file (YAML).")
    var runFile: String

    /// Whole MiB that hold so many bytes.
    private func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }

    func run() throws {
        let plan = try RunPlan(contentsOf: runFile)
        print(plan.resolved.text, terminator: "")
        printError("config digest \(plan.configDigest.hex)")
        printError(
            "\(grouped(plan.parameterCount)) parameters; gradients at the coordinator take at most "
                + "\(grouped(plan.gradientBytesMax >> 20)) MiB, whatever the number of workers")
        printError(
            "a checkpoint that is being written takes at most "
                + "\(grouped(mebibytes(plan.checkpointBytesMax))) MiB beside the run's state: "
                + "\(grouped(mebibytes(plan.settings.checkpoint.copyBudget))) of copied table rows "
                + "(checkpoint.copyBudget), "
                + "\(grouped(mebibytes(plan.checkpointParameterBytes))) of copied parameters, "
                + "\(grouped(mebibytes(plan.method.snapshotBytesMax))) on their way to the disk")
    }
}
