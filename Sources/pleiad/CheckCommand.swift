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

    func run() throws {
        let plan = try RunPlan(contentsOf: runFile)
        print(plan.resolved.text, terminator: "")
        printError("config digest \(plan.configDigest.hex)")
        printError(
            "\(grouped(plan.parameterCount)) parameters; gradients at the coordinator take at most "
                + "\(grouped(plan.gradientBytesMax >> 20)) MiB, whatever the number of workers")
    }
}
