import ArgumentParser
import Foundation
import Kernels
import Messages
import Storage

/// The command line: `pleiad SUBCOMMAND`.
@main
struct Pleiad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pleiad",
        abstract: "Distributed self-supervised training of visual representations.",
        discussion: """
            A coordinator owns the parameters and the tables; workers compute. The trained model \
            is the same to the last bit whatever workers come and go.

            Train on this machine with two workers:
              pleiad train deploy/runs/fashion-mlcd-quick.yaml --workers 2 --state runs/quick

            Train across machines:
              pleiad coordinator RUN.yaml --state DIR --listen tcp://127.0.0.1:4700
              pleiad worker --join tcp://127.0.0.1:4700
              pleiad status --watch

            Exit codes: 0 done; 1 failed; 2 bad run file or input; 64 wrong usage.
            """,
        version: pleiadVersion,
        subcommands: [
            TrainCommand.self, CoordinatorCommand.self, WorkerCommand.self, StatusCommand.self,
            DigestCommand.self, CheckCommand.self, EvaluateCommand.self, ClusterCommand.self,
            EmbedCommand.self, ExportCommand.self, VerifyCommand.self, LedgerCommand.self,
            DrillCommand.self, WhyCommand.self, StopCommand.self, KeysCommand.self,
            PatchesCommand.self, TableCommand.self, GalleryCommand.self, PlotCommand.self,
            SweepCommand.self, AnalyseCommand.self,
        ])

    static func main() async {
        restartWithNumericsEnvironment()
        ignoreFileSizeSignal()
        do {
            var command = try parseAsRoot()
            if !Self.isInspection(command) { try NumericsEnvironment.check() }
            if var asyncCommand = command as? any AsyncParsableCommand {
                try await asyncCommand.run()
            } else {
                try command.run()
            }
        } catch {
            leave(after: error)
        }
    }

    /// Whether a command only looks at a run and so may run on any processor.
    private static func isInspection(_ command: any ParsableCommand) -> Bool {
        command is StatusCommand || command is WhyCommand || command is StopCommand
            || command is KeysInitCommand || command is KeysIssueCommand
            || command is KeysTokenCommand || command is DigestCommand || command is CheckCommand
            || command is PlotCommand || command is VerifyCommand || command is LedgerCommand.Verify
    }

    /// Prints an error of ours and exits with its code; the parser's errors it handles itself.
    private static func leave(after error: any Error) -> Never {
        guard let code = processExitCode(of: error) else { exit(withError: error) }
        printError("pleiad: \(describe(error))")
        Foundation.exit(code)
    }
}
