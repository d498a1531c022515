import ArgumentParser
import Foundation
import Kernels
import Storage
import Verification

/// `pleiad verify`: whether a state directory is what was written.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Look for damage in a run's state directory.",
        discussion: """
            Reads every file of the directory but `lock`, compares every checksum, and holds the \
            ledger against the run's schedule (as `pleiad ledger verify` does), the checkpoints \
            against the ledger. One changed byte anywhere is found and its file named. Nothing is \
            changed; a coordinator may be running on the directory.

            What a killed process leaves is no damage: a last line that was cut short, files whose \
            names end in .tmp. It is listed as a note, and the next start deals with it. Bytes of \
            logs that a checkpoint or an orderly end knows to have been on disk are never taken \
            for such a line.

            Exit codes: 0 the directory is sound; 1 something is damaged; 2 it holds no run.

            Examples:
              pleiad verify runs/quick
              pleiad verify runs/quick --json | jq '.problems[].file'

            See also: docs/reliability.md, "Files"; pleiad ledger verify; pleiad digest.
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let report = try DirectoryReport(verifying: directory, computes: computesRunBits)
        print(json ? report.json.text : report.text)
        guard report.isSound else {
            throw NotSound(description: "\(directory) is not sound: \(named(report.problems))")
        }
    }
}

/// A directory or a ledger in which something is wrong.
struct NotSound: Error, CustomStringConvertible {
    let description: String
}

/// The first of several findings, and how many more there are.
func named(_ findings: [Finding]) -> String {
    guard let first = findings.first else { return "" }
    return "\(first)" + (findings.count > 1 ? " (and \(findings.count - 1) more)" : "")
}

/// Whether this process computes a run's first version to the bits of the run: on another
/// processor that part of the proof is left out, and the report says so.
var computesRunBits: Bool {
    // The error says why; the note in the report says that it was left out.
    (try? NumericsEnvironment.check()) != nil
}
